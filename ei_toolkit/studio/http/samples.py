"""Samples as Edge Impulse's API describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.request import Admin, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.sample_query import SampleQuery, Samples
from ei_toolkit.studio.http.schema import Flag, Integer, Page, RequestModel
from ei_toolkit.studio.store.garbage import delete_samples
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.store.samples import Sample

TRUNCATED_LABELS = 4


def sample_summary(sample: Sample, *, truncate_labels: bool = False, sensors: bool = True) -> dict[str, Any]:
    """Return a `Sample`."""
    channels = _sensors(sample) if sensors else []
    return {
        "id": sample.id,
        "filename": sample.filename,
        "signatureValidate": sample.signature_valid,
        "created": sample.created,
        "lastModified": sample.modified,
        "category": sample.category,
        "coldstorageFilename": _stored_name(sample),
        "label": sample.label,
        "intervalMs": sample.interval_ms,
        "frequency": sample.frequency,
        "originalIntervalMs": sample.interval_ms,
        "originalFrequency": sample.frequency,
        **({"deviceName": sample.device_name} if sample.device_name else {}),
        "deviceType": sample.device_type,
        "sensors": channels,
        "valuesCount": sample.values_count,
        "totalLengthMs": sample.length_ms,
        "added": sample.created,
        "boundingBoxes": [],
        "boundingBoxesType": "object_detection",
        "chartType": "chart",
        "isDisabled": sample.disabled,
        "isProcessing": False,
        "processingError": False,
        "isCropped": sample.is_cropped,
        "metadata": dict(sample.metadata),
        "projectId": sample.project,
        "sha256Hash": sample.sha256,
        **_structured(sample, truncate_labels),
        "datastreams": [_datastream(sample, channels)],
    }


def sample_payload(sample: Sample, values: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Return a `RawSamplePayload`; `values` has one list for each instant, with one number for each sensor."""
    return {
        **({"device_name": sample.device_name} if sample.device_name else {}),
        "device_type": sample.device_type,
        "sensors": _sensors(sample),
        "values": values,
        "intervalMs": sample.interval_ms,
        "frequencyHz": sample.frequency,
    }


def sample_with_values(sample: Sample, values: Sequence[Sequence[float]], *, truncate: bool = False) -> dict[str, Any]:
    """Return the fields of a `GetSampleDspResponse`: a sample and (some of) its values."""
    return {
        "sample": sample_summary(sample, truncate_labels=truncate),
        "payload": sample_payload(sample, values),
        "totalPayloadLength": sample.values_count,
    }


def full_sample(sample: Sample, values: Sequence[Sequence[float]], *, truncate: bool = False) -> dict[str, Any]:
    """Return the fields of a `GetSampleResponse`."""
    fields = sample_with_values(sample, values, truncate=truncate)
    stream = {"index": 0, "payload": fields["payload"], "totalPayloadLength": sample.values_count}
    return {**fields, "datastreamPayloads": [stream]}


def _stored_name(sample: Sample) -> str:
    """Return the name in storage: clients remove three dotted parts to get the file name."""
    return f"{sample.project}/{sample.category}/{sample.filename}{sample.suffix}.{sample.id}.local{sample.suffix}"


def _sensors(sample: Sample) -> list[dict[str, Any]]:
    return [{"index": index, "name": name, "units": units} for index, (name, units) in enumerate(sample.sensors)]


def _structured(sample: Sample, truncate: bool) -> dict[str, Any]:
    if sample.structured_labels is None:
        return {}
    labels: list[Mapping[str, Any]] = list(sample.structured_labels)
    return {
        "structuredLabels": labels[:TRUNCATED_LABELS] if truncate else labels,
        "structuredLabelsList": list(dict.fromkeys(label["label"] for label in labels)),
    }


def _datastream(sample: Sample, channels: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "index": 0,
        "chartType": "chart",
        "intervalMs": sample.interval_ms,
        "frequencyHz": sample.frequency,
        "sensors": channels,
        "valuesCount": sample.values_count,
        "totalLengthMs": sample.length_ms,
    }


router = APIRouter(prefix="/v1/api/{projectId:int}/raw-data")
LARGEST_PAGE = 10_000
LARGEST_PAYLOAD = 480_000  # values in one response
PayloadLimit = Annotated[Integer, Field(ge=0)]
"""How many values to return at most; 0 means all."""


class SampleListQuery(Page, SampleQuery):
    """A page of the samples that match a filter."""

    limit: Annotated[Integer, Field(ge=0)] = LARGEST_PAGE
    truncate_structured_labels: Flag = False
    exclude_sensors: Flag = False


class SliceQuery(RequestModel):
    """Part of a sample by index; the end is exclusive, and the last value if it is not sent."""

    slice_start: Integer = 0
    slice_end: Integer | None = None


class OriginalQuery(RequestModel):
    """Part of a sample by index, reduced to `limitPayloadValues` values."""

    zoom_start: Integer = 0
    zoom_end: Integer | None = None
    limit_payload_values: PayloadLimit = 0


class AudioQuery(RequestModel):
    """Part of one axis of a sample."""

    slice_start: Integer | None = None
    slice_end: Integer | None = None
    axis_ix: Integer = 0


@router.get("")
def list_samples(context: Reader, query: Annotated[SampleListQuery, Query()]) -> Response:
    """Return a page of samples and their total number."""
    chosen = query.filter(context.project)
    page, total = context.store.samples.page(chosen, min(query.limit, LARGEST_PAGE) or LARGEST_PAGE, query.offset)
    truncate, sensors = query.truncate_structured_labels, not query.exclude_sensors
    summaries = [sample_summary(sample, truncate_labels=truncate, sensors=sensors) for sample in page]
    return answer({"samples": summaries, "totalCount": total})


@router.get("/count")
def count_samples(context: Reader, query: Samples) -> Response:
    """Return the number of samples that match a filter."""
    return answer({"count": context.store.samples.count(query.filter(context.project))})


@router.get("/{sampleId:int}")
def get_sample(
    sampleId: int, context: Reader, limitPayloadValues: PayloadLimit = 0, truncateStructuredLabels: Flag = False
) -> Response:
    """Return a sample and its values."""
    sample = context.store.samples.get(context.project, sampleId)
    values = sample_values(context, sample, limit=limitPayloadValues)
    return answer(full_sample(sample, values, truncate=truncateStructuredLabels))


@router.get("/{sampleId:int}/slice")
def get_sample_slice(
    sampleId: int, context: Reader, sliceStart: Integer, sliceEnd: Annotated[Integer | None, Query()] = None
) -> Response:
    """Return part of a sample's values, by index."""
    sample = context.store.samples.get(context.project, sampleId)
    return answer(sample_with_values(sample, sample_values(context, sample, sliceStart, sliceEnd)))


@router.get("/{sampleId:int}/original")
def get_uncropped_downsampled_sample(
    sampleId: int, context: Reader, query: Annotated[OriginalQuery, Query()]
) -> Response:
    """Return the uploaded sample, reduced to `limitPayloadValues` values."""
    sample = original_sample(context, sampleId)
    values = sample_values(context, sample, query.zoom_start, query.zoom_end, query.limit_payload_values)
    return answer(sample_with_values(sample, values))


@router.get("/{sampleId:int}/wav")
def get_sample_as_audio(sampleId: int, context: Reader, query: Annotated[AudioQuery, Query()]) -> Response:
    """Return a sample as a WAV file: the uploaded bytes, or a slice of one axis."""
    sample = context.store.samples.get(context.project, sampleId)
    if sample.format == "wav" and query.slice_start is None and query.slice_end is None:
        return _file(context, sample, "audio/wav")
    start = query.slice_start or 0
    end = sample.values_count if query.slice_end is None else query.slice_end
    wav = context.studio.compute_worker.compute(
        "wav", **content_of(context, sample), start=start, end=end, axis=query.axis_ix
    )
    return Response(bytes.fromhex(wav), media_type="audio/wav")


@router.get("/{sampleId:int}/raw")
def get_sample_as_raw(sampleId: int, context: Reader) -> Response:
    """Return the uploaded bytes."""
    return _file(context, context.store.samples.get(context.project, sampleId), "application/octet-stream")


@router.delete("/{sampleId:int}")
def delete_sample(sampleId: int, context: Admin) -> Response:
    """Delete a sample."""
    context.store.samples.get(context.project, sampleId)
    delete_samples(context.store, context.project, [sampleId])
    return answer()


@router.post("/delete-all")
def delete_all_samples(context: Admin) -> Response:
    """Delete all samples of the project."""
    delete_samples(context.store, context.project, context.store.samples.ids(SampleFilter(context.project)))
    return answer()


@router.post("/delete-all/{category}")
def delete_all_samples_by_category(category: str, context: Admin) -> Response:
    """Delete all samples of a category."""
    delete_samples(context.store, context.project, context.store.samples.ids(SampleFilter(context.project, category)))
    return answer()


def sample_values(
    context: RequestContext, sample: Sample, start: int = 0, end: int | None = None, limit: int = 0
) -> Any:
    """Return the values from `start` to before `end`, one list for each instant, `limit` of them at most (0: all)."""
    stop = sample.values_count if end is None else min(end, sample.values_count)
    if not 0 <= start <= stop:
        raise ApiError(f"The slice {start} to {stop} is not inside the sample's {sample.values_count} values")
    bound = min(limit, LARGEST_PAYLOAD) or LARGEST_PAYLOAD
    return context.studio.compute_worker.compute(
        "values", **content_of(context, sample), start=start, end=stop, limit=bound
    )


def original_sample(context: RequestContext, sample_id: int) -> Sample:
    """Return a sample with the content that was uploaded, before it was cropped."""
    sample = context.store.samples.get(context.project, sample_id)
    recording = context.store.originals.of(sample).recording
    length_ms = recording.values_count * sample.interval_ms
    return replace(sample, **asdict(recording), length_ms=length_ms)


def content_of(context: RequestContext, sample: Sample) -> dict[str, Any]:
    """Return what the compute worker needs to read a sample."""
    sensors = [name for name, _ in sample.sensors]
    where = context.store.byte_range(sample).to_json()
    return {"content": where, "format": sample.format, "sensors": sensors, "rate": sample.frequency}


def _file(context: RequestContext, sample: Sample, media_type: str) -> Response:
    byte_range = context.store.byte_range(sample)
    try:
        chunks = byte_range.checked_chunks(context.store.blobs.incoming)
    except FileNotFoundError as error:
        raise ApiError(
            f"The content of sample {sample.id} is not stored any more: delete it and upload it again"
        ) from error
    name = quote(f"{sample.filename}{sample.suffix}")
    headers = {"Content-Disposition": f"attachment; filename*=utf-8''{name}", "Content-Length": str(byte_range.length)}
    return StreamingResponse(chunks, media_type=media_type, headers=headers)
