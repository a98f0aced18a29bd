"""From the parts of a pack to stored samples: look at each, then keep all good ones in one transaction."""

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
    check_stretches,
    label_of,
    metadata_of,
    safe_filename,
    structured_labels,
)
from ei_toolkit.studio.http.wav_header import read_header
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.garbage import erase_unreferenced
from ei_toolkit.studio.store.packs import ByteRange, Pack
from ei_toolkit.studio.store.samples import CATEGORIES, Category, Duplicate, LabelType, NewSample

FORMATS: Mapping[str, Literal["wav", "json", "cbor"]] = {".wav": "wav", ".json": "json", ".cbor": "cbor"}
LARGEST_SIDE_CAR = 16 * 2**20
AUDIO = (("audio", "wav"),)


@dataclass(frozen=True)
class Contents:
    """What a file turned out to hold."""

    format: Literal["wav", "json", "cbor"]
    interval_ms: float
    sensors: Sequence[tuple[str, str]]
    values_count: int
    device_name: str | None = None
    device_type: str | None = None


@dataclass(frozen=True)
class Upload:
    """One request: where its files go and what its headers say. `inspect` reads acquisition files elsewhere."""

    project: int
    category: Category | Literal["split"]
    headers: Mapping[str, str]
    inspect: Callable[[ByteRange, str], Contents]


Outcome = dict[str, Any]


def accept(store: Store, upload: Upload, pack: Pack, parts: Sequence[Part]) -> list[Outcome]:
    """Store the samples of one request; answers one entry a file, in order. Nothing is stored if it raises."""
    metadata = metadata_of(upload.headers)
    side_cars, files = _sort_parts(parts)
    stretches = _read_side_cars(side_cars)
    arrivals = [_look(upload, part, metadata, stretches.get(part.filename)) for part in files]
    return _keep(store, upload, pack, arrivals)


@dataclass(frozen=True)
class _Arrival:
    part: Part
    sample: NewSample | None
    error: str = ""


def _sort_parts(parts: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    side_cars = [part for part in parts if part.filename.endswith(".labels")]
    files = [part for part in parts if part not in side_cars]
    if not files:
        raise ApiError("The request carries no file")
    return side_cars, files


def _read_side_cars(parts: Sequence[Part]) -> dict[str, list[dict[str, Any]]]:
    stretches: dict[str, list[dict[str, Any]]] = {}
    for part in parts:
        if part.filename == "structured_labels.labels" and part.content.size <= LARGEST_SIDE_CAR:
            stretches |= structured_labels(part.content.read())
    return stretches


def _look(
    upload: Upload, part: Part, metadata: Mapping[str, str], stretches: Sequence[Mapping[str, Any]] | None
) -> _Arrival:
    try:
        if part.error:
            raise ApiError(part.error)
        contents = _contents(upload, part)
        check_stretches(stretches or (), contents.values_count)
    except ApiError as refusal:
        return _Arrival(part, None, str(refusal))
    return _Arrival(part, _sample(upload, part, contents, metadata, stretches))


def _contents(upload: Upload, part: Part) -> Contents:
    suffix = Path(part.filename).suffix.lower()
    start = part.content.read(0, 4)
    if start == b"RIFF":
        header = read_header(part.content.read, part.content.size)
        return Contents("wav", 1000.0 / header.rate, _channels(header.channels), header.frames)
    if suffix in (".json", ".cbor"):
        return upload.inspect(part.content.byte_range, "json" if start.lstrip()[:1] == b"{" else "cbor")
    raise ApiError(f"Files of this kind ({suffix or 'no suffix'}) cannot be read; WAV, JSON and CBOR can")


def _channels(count: int) -> Sequence[tuple[str, str]]:
    return AUDIO if count == 1 else tuple((f"audio{index}", "wav") for index in range(count))


def _sample(
    upload: Upload, part: Part, contents: Contents,
    metadata: Mapping[str, str], stretches: Sequence[Mapping[str, Any]] | None,
) -> NewSample:  # fmt: skip
    label, byte_range = label_of(upload.headers, part.filename), part.content.byte_range
    kind: LabelType = "multi-label" if stretches else label.kind
    text = ", ".join(dict.fromkeys(s["label"] for s in stretches)) if stretches else label.text
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
        structured_labels=stretches,
        metadata=metadata,
        device_name=contents.device_name,
        device_type=contents.device_type or upload.headers.get("x-device-type", ""),
        source=upload.headers.get("x-upload-source", ""),
        pack=part.content.pack.name,
        start=byte_range.start,
        size=byte_range.size,
    )


def _keep(store: Store, upload: Upload, pack: Pack, arrivals: Sequence[_Arrival]) -> list[Outcome]:
    """The pack first, then the rows that refer to it, in one transaction."""
    good = [arrival.sample for arrival in arrivals if arrival.sample]
    stored: tuple[int | Duplicate, ...] = ()
    if good:
        pack.sync()
        store.packs.commit(pack)
        stored = store.samples.add(upload.project, good, unique="x-disallow-duplicates" in upload.headers)
        if pack.size > sum(sample.size for sample, id_ in zip(good, stored, strict=True) if isinstance(id_, int)):
            erase_unreferenced(store, [pack.name])
    told = iter(stored)
    return [_outcome(upload.project, arrival, next(told) if arrival.sample else None) for arrival in arrivals]


def _outcome(project: int, arrival: _Arrival, stored: int | Duplicate | None) -> Outcome:
    name, error = arrival.part.filename, arrival.error
    if isinstance(stored, Duplicate):
        error = f"An item with this hash already exists (ids: {', '.join(map(str, stored.ids))})"
    if error:
        return {"success": False, "fileName": name, "error": error}
    return {"success": True, "projectId": project, "sampleId": stored, "fileName": name}


router = APIRouter(prefix="/api")
SUFFIXES = {"application/json": ".json", "application/cbor": ".cbor"}


@router.post("/{category}/files")
async def upload_files(category: str, request: Request, context: Uploader) -> Response:
    """Files as multipart, each answered for itself."""
    upload = _upload(category, request, context)
    with context.store.packs.begin() as pack:
        parts = await receive(request.headers.get("content-type", ""), request.stream(), pack, Bounds())
        outcomes = await run_in_threadpool(accept, context.store, upload, pack, parts)
    return answer({"files": outcomes})


@router.post("/{category}/data")
async def upload_data(category: str, request: Request, context: Uploader) -> Response:
    """One file as the raw body, named by `x-file-name`; answers its name as text."""
    name = request.headers.get("x-file-name", "")
    if not name:
        return PlainTextResponse("Missing header x-file-name", 421)
    upload = _upload(category, request, context)
    with context.store.packs.begin() as pack:
        part = await _raw_part(request, pack, name)
        [outcome] = await run_in_threadpool(accept, context.store, upload, pack, [part])
    if not outcome["success"]:
        return PlainTextResponse(outcome["error"], 400)
    return PlainTextResponse(outcome["fileName"])


def _upload(category: str, request: Request, context: RequestContext) -> Upload:
    if category not in (*CATEGORIES, "split"):
        raise Unknown(f"There is no category {category[:40]!r}")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Upload(context.project, category, headers, partial(_inspect, context))  # type: ignore[arg-type]


def _inspect(context: RequestContext, byte_range: ByteRange, form: str) -> Contents:
    """Have the helper process look into an acquisition file."""
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
    """The body as one part; its kind is told by its content type where the name does not say."""
    suffix = SUFFIXES.get(request.headers.get("content-type", "").split(";")[0].strip().lower(), "")
    filename = safe_filename(name)
    part = Part("data", filename if Path(filename).suffix else filename + suffix, pack.begin())
    async for chunk in request.stream():
        if part.content.size + len(chunk) > Bounds().file_size:
            raise TooLarge("A file may have 100 MB at most")
        part.content.write(chunk)
    if not part.content.size:
        raise Malformed("The body is empty")
    return part
