"""Samples as Edge Impulse describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.request import Admin, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.store.garbage import delete_samples
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.store.samples import Sample

TRUNCATED_LABELS = 4


def sample_summary(sample: Sample, *, truncate_labels: bool = False, sensors: bool = True) -> dict[str, Any]:
    """A `Sample`."""
    channels = _sensors(sample) if sensors else []
    return {
        "id": sample.id,
        "filename": sample.filename,
        "signatureValidate": True,
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
        "isCropped": False,
        "metadata": dict(sample.metadata),
        "projectId": sample.project,
        "sha256Hash": sample.sha256,
        **_structured(sample, truncate_labels),
        "datastreams": [_datastream(sample, channels)],
    }


def sample_payload(sample: Sample, values: Sequence[Sequence[float]]) -> dict[str, Any]:
    """A `RawSamplePayload`; `values` is one list an instant, one number a sensor."""
    return {
        **({"device_name": sample.device_name} if sample.device_name else {}),
        "device_type": sample.device_type,
        "sensors": _sensors(sample),
        "values": values,
        "intervalMs": sample.interval_ms,
        "frequencyHz": sample.frequency,
    }


def sample_with_values(sample: Sample, values: Sequence[Sequence[float]], *, truncate: bool = False) -> dict[str, Any]:
    """Fields of a `GetSampleDspResponse`: a sample and (some of) its values."""
    return {
        "sample": sample_summary(sample, truncate_labels=truncate),
        "payload": sample_payload(sample, values),
        "totalPayloadLength": sample.values_count,
    }


def full_sample(sample: Sample, values: Sequence[Sequence[float]], *, truncate: bool = False) -> dict[str, Any]:
    """Fields of a `GetSampleResponse`."""
    fields = sample_with_values(sample, values, truncate=truncate)
    stream = {"index": 0, "payload": fields["payload"], "totalPayloadLength": sample.values_count}
    return {**fields, "datastreamPayloads": [stream]}


def _stored_name(sample: Sample) -> str:
    """The name in storage: clients strip three dotted parts to have the file name back."""
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
LARGEST_PAYLOAD = 480_000  # values in one answer


@router.get("")
def list_samples(context: Reader) -> Response:
    """A page of samples and how many there are in all."""
    wanted, (limit, offset) = SampleFilter.read(context.project, context.query), context.query.page(LARGEST_PAGE)
    truncate = context.query.flag("truncateStructuredLabels", False)
    sensors = not context.query.flag("excludeSensors", False)
    page = context.store.samples.select(wanted, min(limit, LARGEST_PAGE) or LARGEST_PAGE, offset)
    summaries = [sample_summary(sample, truncate_labels=truncate, sensors=sensors) for sample in page]
    return answer({"samples": summaries, "totalCount": context.store.samples.count(wanted)})


@router.get("/count")
def count_samples(context: Reader) -> Response:
    """How many samples a filter lets through."""
    return answer({"count": context.store.samples.count(SampleFilter.read(context.project, context.query))})


@router.get("/{sampleId:int}")
def get_sample(sampleId: int, context: Reader) -> Response:
    """A sample and its values."""
    sample = context.store.samples.get(context.project, sampleId)
    values = sample_values(context, sample, limit=context.query.integer("limitPayloadValues", 0))
    return answer(full_sample(sample, values, truncate=context.query.flag("truncateStructuredLabels", False)))


@router.get("/{sampleId:int}/slice")
def get_sample_slice(sampleId: int, context: Reader) -> Response:
    """Part of a sample's values, by index."""
    sample = context.store.samples.get(context.project, sampleId)
    start, end = context.query.integer("sliceStart"), context.query.integer("sliceEnd", sample.values_count)
    return answer(sample_with_values(sample, sample_values(context, sample, start, end)))


@router.get("/{sampleId:int}/original")
def get_uncropped_downsampled_sample(sampleId: int, context: Reader) -> Response:
    """The sample as it was uploaded, thinned out to `limitPayloadValues` values."""
    sample = context.store.samples.get(context.project, sampleId)
    start, end = context.query.integer("zoomStart", 0), context.query.integer("zoomEnd", sample.values_count)
    limit = context.query.integer("limitPayloadValues", 0)
    return answer(sample_with_values(sample, sample_values(context, sample, start, end, limit)))


@router.get("/{sampleId:int}/wav")
def get_sample_as_audio(sampleId: int, context: Reader) -> Response:
    """A sample as a WAV file: the uploaded bytes, or a slice of one axis."""
    sample = context.store.samples.get(context.project, sampleId)
    if sample.format == "wav" and not context.query.has("sliceStart") and not context.query.has("sliceEnd"):
        return _file(context, sample, "audio/wav")
    start, end = context.query.integer("sliceStart", 0), context.query.integer("sliceEnd", sample.values_count)
    wav = context.studio.compute_worker.compute(
        "wav", **content_of(context, sample), start=start, end=end, axis=context.query.integer("axisIx", 0)
    )
    return Response(bytes.fromhex(wav), media_type="audio/wav")


@router.get("/{sampleId:int}/raw")
def get_sample_as_raw(sampleId: int, context: Reader) -> Response:
    """The uploaded bytes."""
    return _file(context, context.store.samples.get(context.project, sampleId), "application/octet-stream")


@router.delete("/{sampleId:int}")
def delete_sample(sampleId: int, context: Admin) -> Response:
    """Delete a sample for good."""
    context.store.samples.get(context.project, sampleId)
    delete_samples(context.store, context.project, [sampleId])
    return answer()


@router.post("/delete-all")
def delete_all_samples(context: Admin) -> Response:
    """Delete every sample of the project."""
    delete_samples(context.store, context.project, context.store.samples.ids(SampleFilter(context.project)))
    return answer()


@router.post("/delete-all/{category}")
def delete_all_samples_by_category(category: str, context: Admin) -> Response:
    """Delete every sample of a category."""
    delete_samples(context.store, context.project, context.store.samples.ids(SampleFilter(context.project, category)))
    return answer()


def sample_values(
    context: RequestContext, sample: Sample, start: int = 0, end: int | None = None, limit: int = 0
) -> Any:
    """Values from `start` to before `end`, one list an instant; thinned out where there are more than `limit`."""
    stop = sample.values_count if end is None else min(end, sample.values_count)
    if not 0 <= start <= stop:
        raise ApiError(f"The slice {start} to {stop} is not inside the sample's {sample.values_count} values")
    if limit < 0:
        raise ApiError("limitPayloadValues must not be negative")
    bound = min(limit, LARGEST_PAYLOAD) or LARGEST_PAYLOAD
    return context.studio.compute_worker.compute(
        "values", **content_of(context, sample), start=start, end=stop, limit=bound
    )


def content_of(context: RequestContext, sample: Sample) -> dict[str, Any]:
    """What the helper process needs to know to read a sample."""
    sensors = [name for name, _ in sample.sensors]
    where = context.store.byte_range(sample).to_json()
    return {"content": where, "format": sample.format, "sensors": sensors, "rate": sample.frequency}


def _file(context: RequestContext, sample: Sample, media_type: str) -> Response:
    byte_range = context.store.byte_range(sample)
    try:
        chunks = byte_range.checked_chunks()
    except FileNotFoundError as error:
        raise ApiError("The content of this sample is not stored any more: delete it and upload it again") from error
    name = quote(f"{sample.filename}{sample.suffix}")
    headers = {"Content-Disposition": f"attachment; filename*=utf-8''{name}", "Content-Length": str(byte_range.length)}
    return StreamingResponse(chunks, media_type=media_type, headers=headers)
