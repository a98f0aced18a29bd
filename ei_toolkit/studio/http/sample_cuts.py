"""Cropping a sample, cutting it into segments, and finding segments in it. The uploaded recording is kept."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.request import Admin, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.samples import content_of
from ei_toolkit.studio.http.schema import Flag, Integer, Number, RequestModel, json_body
from ei_toolkit.studio.http.wav_header import read_header
from ei_toolkit.studio.store.garbage import erase_unreferenced
from ei_toolkit.studio.store.originals import Original, Part, Recording
from ei_toolkit.studio.store.packs import Pack
from ei_toolkit.studio.store.samples import Sample

router = APIRouter(prefix="/v1/api/{projectId:int}/raw-data")
MOST_SEGMENTS = 1000


class CropRequest(RequestModel):
    """A `CropSampleRequest`: indices in the uploaded recording; the end is exclusive."""

    crop_start: Integer
    crop_end: Integer


class SegmentSpan(RequestModel):
    """One segment, in ms from the start of the sample."""

    start_ms: Number
    end_ms: Number


class SegmentRequest(RequestModel):
    """A `SegmentSampleRequest`."""

    segments: Annotated[list[SegmentSpan], Field(min_length=1, max_length=MOST_SEGMENTS)]


class FindSegmentsRequest(RequestModel):
    """A `FindSegmentSampleRequest`."""

    shift_segments: Flag = False
    segment_length_ms: Annotated[Number, Field(gt=0)]


@router.post("/{sampleId:int}/crop")
def crop_sample(
    sampleId: int, context: Admin, body: Annotated[CropRequest, Depends(json_body(CropRequest))]
) -> Response:
    """Crop a sample to a range of its uploaded recording; the whole range restores it."""
    sample = context.store.samples.get(context.project, sampleId)
    original = context.store.originals.of(sample)
    if not 0 <= body.crop_start < body.crop_end <= original.recording.values_count:
        raise ApiError(
            f"The range {body.crop_start} to {body.crop_end} is not a part of the recording, which has"
            f" {original.recording.values_count} values"
        )
    with context.store.packs.begin() as pack:
        part = _part(context, pack, sample, original, body.crop_start, body.crop_end)
        _commit(context, pack)
        try:
            replaced = context.store.originals.crop(sample, original, part)
        finally:
            erase_unreferenced(context.store, [pack.name])
    erase_unreferenced(context.store, replaced.packs)
    return answer({"requiresProcessing": False})


@router.post("/{sampleId:int}/segment")
def segment_sample(
    sampleId: int, context: Admin, body: Annotated[SegmentRequest, Depends(json_body(SegmentRequest))]
) -> Response:
    """Replace a sample by its segments, each a sample of its own; cropping one restores the uploaded recording."""
    sample = context.store.samples.get(context.project, sampleId)
    original = context.store.originals.of(sample)
    ranges = [_indices(sample, span) for span in body.segments]
    with context.store.packs.begin() as pack:
        parts = [
            (f"{sample.filename}.s{number}", _part(context, pack, sample, original, *_shifted(original, indices)))
            for number, indices in enumerate(ranges, 1)
        ]
        _commit(context, pack)
        try:
            context.store.originals.segment(sample, original, parts)
        finally:
            erase_unreferenced(context.store, [pack.name, *([sample.pack] if sample.pack else [])])
    return answer()


@router.post("/{sampleId:int}/find-segments")
def find_segments_in_sample(
    sampleId: int, context: Reader, body: Annotated[FindSegmentsRequest, Depends(json_body(FindSegmentsRequest))]
) -> Response:
    """Return the segments of a sample that hold its loud events. The same request has always the same answer."""
    sample = context.store.samples.get(context.project, sampleId)
    found = context.studio.compute_worker.compute(
        "segments",
        **content_of(context, sample),
        lengthMs=body.segment_length_ms,
        seed=sampleId if body.shift_segments else None,
    )
    return answer({"segments": [{"startMs": round(start), "endMs": round(end)} for start, end in found]})


def _indices(sample: Sample, span: SegmentSpan) -> tuple[int, int]:
    """Return the first value of a segment and the one behind its last."""
    start, end = (round(time / sample.interval_ms) for time in (span.start_ms, span.end_ms))
    if not 0 <= start < end <= sample.values_count:
        raise ApiError(
            f"The segment from {span.start_ms:g} to {span.end_ms:g} ms is not inside the sample, which has"
            f" {sample.length_ms:g} ms"
        )
    return start, end


def _shifted(original: Original, indices: tuple[int, int]) -> tuple[int, int]:
    return original.first_value + indices[0], original.first_value + indices[1]


def _part(context: RequestContext, pack: Pack, sample: Sample, original: Original, start: int, end: int) -> Part:
    """Write a part of an original into a pack, and return it; the whole original is not written again."""
    ranges = _ranges(sample, original.first_value - start, end - start)
    label = sample.label if ranges is None else ", ".join(dict.fromkeys(one["label"] for one in ranges))
    if (start, end) == (0, original.recording.values_count):
        return Part(original.recording, 0, label, ranges)
    content, form, suffix = _cut(context, sample, original.recording, start, end)
    entry = pack.begin()
    entry.write(content)
    place = entry.byte_range
    recording = Recording(place.sha256, pack.name, place.start, place.size, form, suffix, end - start)
    return Part(recording, start, label, ranges)


def _commit(context: RequestContext, pack: Pack) -> None:
    pack.sync()
    context.store.packs.commit(pack)


def _cut(context: RequestContext, sample: Sample, recording: Recording, start: int, end: int) -> tuple[bytes, Any, str]:
    """Return the file of some values of a recording, its format and its suffix.

    A WAV file keeps its encoding. Other recordings become data acquisition files.
    """
    if recording.format == "wav":
        return cut_wav(context.store.byte_range(recording).read(), start, end), "wav", recording.suffix
    source = replace(sample, **asdict(recording))
    values = context.studio.compute_worker.compute(
        "values", **content_of(context, source), start=start, end=end, limit=end - start
    )
    return _acquisition_file(sample, values), "json", ".json"


def cut_wav(content: bytes, start: int, end: int) -> bytes:
    """Return the frames from `start` to before `end` of a WAV file as a WAV file with the same encoding."""
    header = read_header(lambda offset, count: content[offset : offset + count], len(content))
    frame = header.channels * header.bits // 8
    frames = content[header.offset + start * frame : header.offset + min(end, header.frames) * frame]
    form = (header.encoding, header.channels, header.rate, header.rate * frame, frame, header.bits)
    riff = struct.pack("<4sI4s4sI", b"RIFF", 36 + len(frames) + len(frames) % 2, b"WAVE", b"fmt ", 16)
    data = struct.pack("<HHIIHH4sI", *form, b"data", len(frames))
    return riff + data + frames + b"\0" * (len(frames) % 2)


def _acquisition_file(sample: Sample, values: Sequence[Sequence[float]]) -> bytes:
    payload = {
        **({"device_name": sample.device_name} if sample.device_name else {}),
        "device_type": sample.device_type,
        "interval_ms": sample.interval_ms,
        "sensors": [{"name": name, "units": units} for name, units in sample.sensors],
        "values": values if len(sample.sensors) > 1 else [row[0] for row in values],
    }
    document = {"protected": {"ver": "v1", "alg": "none"}, "signature": "", "payload": payload}
    return json.dumps(document, separators=(",", ":")).encode()


def _ranges(sample: Sample, shift: int, count: int) -> list[dict[str, Any]] | None:
    """Return the labelled ranges of a sample, moved by `shift`, as far as they are within `count` values."""
    if sample.structured_labels is None:
        return None
    moved = [
        {
            **one,
            "startIndex": max(0, one["startIndex"] + shift),
            "endIndex": min(count - 1, one["endIndex"] + shift),
        }
        for one in sample.structured_labels
    ]
    return [one for one in moved if one["startIndex"] <= one["endIndex"]]
