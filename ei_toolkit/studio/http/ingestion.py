"""Uploads: read each part of a request, then store all accepted samples in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from ei_toolkit.studio.http.dataset import Split
from ei_toolkit.studio.http.errors import ApiError, Malformed, TooLarge, Unknown
from ei_toolkit.studio.http.multipart import Bounds, Part, receive
from ei_toolkit.studio.http.request import RequestContext, Uploader
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.sample_labels import (
    LabelledRange,
    check_ranges,
    joined_labels,
    label_of,
    metadata_of,
    ranges_by_file,
    safe_filename,
    stored_ranges,
)
from ei_toolkit.studio.http.wav_header import read_header
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.garbage import erase_unreferenced
from ei_toolkit.studio.store.packs import ByteRange, Pack
from ei_toolkit.studio.store.samples import CATEGORIES, Category, Duplicate, LabelType, NewSample

FORMATS: Mapping[str, Literal["wav", "json", "cbor"]] = {".wav": "wav", ".json": "json", ".cbor": "cbor"}
LARGEST_LABELS_FILE = 16 * 2**20
AUDIO = (("audio", "wav"),)


@dataclass(frozen=True)
class Contents:
    """Format and content of a file."""

    format: Literal["wav", "json", "cbor"]
    interval_ms: float
    sensors: Sequence[tuple[str, str]]
    values_count: int
    device_name: str | None = None
    device_type: str | None = None


@dataclass(frozen=True)
class Upload:
    """Project, category and headers of one request. `inspect` reads acquisition files (JSON and CBOR)."""

    project: int
    category: Category | Literal["split"]
    headers: Mapping[str, str]
    inspect: Callable[[ByteRange, str], Contents]


Outcome = dict[str, Any]


def accept(store: Store, upload: Upload, pack: Pack, parts: Sequence[Part]) -> list[Outcome]:
    """Store the samples of one request; returns one entry for each file, in order. Nothing is stored if it raises."""
    metadata = metadata_of(upload.headers)
    labels_files, files = _sort_parts(parts)
    ranges = _read_labels_files(labels_files)
    received = [_read(upload, part, metadata, ranges.get(part.filename)) for part in files]
    return _store(store, upload, pack, received)


@dataclass(frozen=True)
class _ReceivedFile:
    part: Part
    sample: NewSample | None
    error: str = ""


def _sort_parts(parts: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    labels_files = [part for part in parts if part.filename.endswith(".labels")]
    files = [part for part in parts if part not in labels_files]
    if not files:
        raise ApiError("The request has no file")
    return labels_files, files


def _read_labels_files(parts: Sequence[Part]) -> dict[str, list[LabelledRange]]:
    ranges: dict[str, list[LabelledRange]] = {}
    for part in parts:
        if part.filename == "structured_labels.labels" and part.content.size <= LARGEST_LABELS_FILE:
            ranges |= ranges_by_file(part.content.read())
    return ranges


def _read(
    upload: Upload, part: Part, metadata: Mapping[str, str], ranges: Sequence[LabelledRange] | None
) -> _ReceivedFile:
    try:
        if part.error:
            raise ApiError(part.error)
        contents = _contents(upload, part)
        check_ranges(ranges or (), contents.values_count)
    except ApiError as error:
        return _ReceivedFile(part, None, str(error))
    return _ReceivedFile(part, _sample(upload, part, contents, metadata, ranges))


def _contents(upload: Upload, part: Part) -> Contents:
    suffix = Path(part.filename).suffix.lower()
    start = part.content.read(0, 4)
    if start == b"RIFF":
        header = read_header(part.content.read, part.content.size)
        return Contents("wav", 1000.0 / header.rate, _channels(header.channels), header.frames)
    if suffix in (".json", ".cbor"):
        return upload.inspect(part.content.byte_range, "json" if start.lstrip()[:1] == b"{" else "cbor")
    raise ApiError(f"A file of this type ({suffix or 'no suffix'}) cannot be read; WAV, JSON and CBOR are accepted")


def _channels(count: int) -> Sequence[tuple[str, str]]:
    return AUDIO if count == 1 else tuple((f"audio{index}", "wav") for index in range(count))


def _sample(
    upload: Upload, part: Part, contents: Contents,
    metadata: Mapping[str, str], ranges: Sequence[LabelledRange] | None,
) -> NewSample:  # fmt: skip
    label, byte_range = label_of(upload.headers, part.filename), part.content.byte_range
    kind: LabelType = "multi-label" if ranges else label.kind
    text = joined_labels(ranges) if ranges else label.text
    return NewSample(
        category=Split().of_digest(byte_range.sha256) if upload.category == "split" else upload.category,
        filename=Path(part.filename).stem,
        suffix=Path(part.filename).suffix or f".{contents.format}",
        label=text,
        label_type=kind,
        sha256=byte_range.sha256,
        format=contents.format,
        interval_ms=contents.interval_ms,
        sensors=contents.sensors,
        values_count=contents.values_count,
        structured_labels=None if ranges is None else stored_ranges(ranges),
        metadata=metadata,
        device_name=contents.device_name,
        device_type=contents.device_type or upload.headers.get("x-device-type", ""),
        source=upload.headers.get("x-upload-source", ""),
        pack=part.content.pack.name,
        start=byte_range.start,
        size=byte_range.size,
    )


def _store(store: Store, upload: Upload, pack: Pack, received: Sequence[_ReceivedFile]) -> list[Outcome]:
    """Store the pack first, then the rows that refer to it, in one transaction."""
    accepted = [file.sample for file in received if file.sample]
    stored: tuple[int | Duplicate, ...] = ()
    if accepted:
        pack.sync()
        store.packs.commit(pack)
        stored = store.samples.add(upload.project, accepted, unique="x-disallow-duplicates" in upload.headers)
        if pack.size > sum(sample.size for sample, id_ in zip(accepted, stored, strict=True) if isinstance(id_, int)):
            erase_unreferenced(store, [pack.name])
    results = iter(stored)
    return [_outcome(upload.project, file, next(results) if file.sample else None) for file in received]


def _outcome(project: int, file: _ReceivedFile, stored: int | Duplicate | None) -> Outcome:
    name, error = file.part.filename, file.error
    if isinstance(stored, Duplicate):
        error = f"An item with this hash already exists (ids: {', '.join(map(str, stored.ids))})"
    if error:
        return {"success": False, "fileName": name, "error": error}
    return {"success": True, "projectId": project, "sampleId": stored, "fileName": name}


router = APIRouter(prefix="/api")
SUFFIXES = {"application/json": ".json", "application/cbor": ".cbor"}


@router.post("/{category}/files")
async def upload_files(category: str, request: Request, context: Uploader) -> Response:
    """Store the files of a multipart body; the response has the result of each."""
    upload = _upload(category, request, context)
    with context.store.packs.begin() as pack:
        parts = await receive(request.headers.get("content-type", ""), request.stream(), pack, Bounds())
        outcomes = await run_in_threadpool(accept, context.store, upload, pack, parts)
    return answer({"files": outcomes})


@router.post("/{category}/data")
async def upload_data(category: str, request: Request, context: Uploader) -> Response:
    """Store the body as one file with the name `x-file-name`; the response is the name as text."""
    name = request.headers.get("x-file-name", "")
    if not name:
        return PlainTextResponse("The header x-file-name is missing", 421)
    upload = _upload(category, request, context)
    with context.store.packs.begin() as pack:
        part = await _raw_part(request, pack, name)
        [outcome] = await run_in_threadpool(accept, context.store, upload, pack, [part])
    if not outcome["success"]:
        return PlainTextResponse(outcome["error"], 400)
    return PlainTextResponse(outcome["fileName"])


def _upload(category: str, request: Request, context: RequestContext) -> Upload:
    if category not in (*CATEGORIES, "split"):
        raise Unknown(f"There is no category {category[:40]!r}; categories: {', '.join(CATEGORIES)}, split")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Upload(context.project, category, headers, partial(_inspect, context))  # type: ignore[arg-type]


def _inspect(context: RequestContext, byte_range: ByteRange, form: str) -> Contents:
    """Return format and content of an acquisition file, which the compute worker reads."""
    found: dict[str, Any] = context.studio.compute_worker.compute("inspect", content=byte_range.to_json(), format=form)
    sensors = tuple((str(name), str(units)) for name, units in found["sensors"])
    return Contents(
        found["format"],
        found["interval_ms"],
        sensors,
        found["values_count"],
        found["device_name"],
        found["device_type"],
    )


async def _raw_part(request: Request, pack: Pack, name: str) -> Part:
    """Store the body as one part; a name without a suffix gets that of the content type."""
    suffix = SUFFIXES.get(request.headers.get("content-type", "").split(";")[0].strip().lower(), "")
    filename = safe_filename(name)
    part = Part("data", filename if Path(filename).suffix else filename + suffix, pack.begin())
    async for chunk in request.stream():
        if part.content.size + len(chunk) > Bounds().file_size:
            raise TooLarge(f"The file has more than the {Bounds().file_size // 2**20} MB that are accepted")
        part.content.write(chunk)
    if not part.content.size:
        raise Malformed("The body is empty")
    return part
