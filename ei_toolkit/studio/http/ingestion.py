"""Uploads: read each part of a request, then store all accepted samples in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from ei_toolkit.config.units import mib
from ei_toolkit.dataset.listing import INFO_LABELS
from ei_toolkit.studio.http.dataset import Split
from ei_toolkit.studio.http.errors import ApiError, Malformed, TooLarge, Unknown
from ei_toolkit.studio.http.info_labels import Description, Descriptions, read_entries
from ei_toolkit.studio.http.multipart import PIECE, Bounds, Part, gathered, receive
from ei_toolkit.studio.http.request import RequestContext, Uploader
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.sample_labels import (
    BOUNDING_BOXES,
    STRUCTURED_LABELS,
    Label,
    LabelledRange,
    boxed_files,
    check_ranges,
    joined_labels,
    label_of,
    metadata_of,
    ranges_by_file,
    safe_filename,
    stored_ranges,
)
from ei_toolkit.studio.http.schema import parse
from ei_toolkit.studio.http.text import check_line
from ei_toolkit.studio.http.wav_header import FLOAT, read_header
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.garbage import erase_unreferenced
from ei_toolkit.studio.store.packs import ByteRange, Pack
from ei_toolkit.studio.store.samples import CATEGORIES, Duplicate, NewSample, SampleFormat, UploadCategory

DUPLICATE = "An item with this hash already exists"  # the words of Edge Impulse, which clients look for
LARGEST_LABELS_FILE = 16 * 2**20
AUDIO = (("audio", "wav"),)  # also of a WAV file with several channels, whose values are the mean of the channels
LONGEST_MARK = 64
UTF8_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
CBOR_OBJECT = tuple(bytes([first]) for first in range(0xA0, 0xDC))  # the first byte of a map, or of a tag before it


@dataclass(frozen=True)
class Contents:
    """Format and content of a file; `label` and `ranges` are those of a column of labels in a CSV file."""

    format: SampleFormat
    interval_ms: float
    sensors: Sequence[tuple[str, str]]
    values_count: int
    device_name: str | None = None
    device_type: str | None = None
    signature_valid: bool = True
    label: str = ""
    ranges: Sequence[LabelledRange] = ()


Inspect = Callable[[ByteRange, str, str], dict[str, Any]]
"""Reads the values of a file: (byte range, format, file name) -> see `jobs.inspection.inspect_content`."""


@dataclass(frozen=True)
class Upload:
    """Project, category and headers of one request."""

    project: int
    category: UploadCategory
    headers: Mapping[str, str]
    inspect: Inspect


Outcome = dict[str, Any]


def accept(store: Store, upload: Upload, pack: Pack, parts: Sequence[Part]) -> list[Outcome]:
    """Store the samples of one request; returns one entry for each file, in order. Nothing is stored if it raises."""
    metadata = metadata_of(upload.headers)
    labels_files, files = _sort_parts(parts)
    side = _read_labels_files(labels_files)
    received = [_received(upload, part, partial(side.of, part.filename), metadata) for part in files]
    return _store(store, upload, pack, received)


def accept_described(store: Store, upload: Upload, pack: Pack, part: Part, description: Description) -> Outcome:
    """Store one file, which `info.labels` describes."""
    return _store(store, upload, pack, [_received(upload, part, lambda: description, {})])[0]


@dataclass(frozen=True)
class _ReceivedFile:
    part: Part
    sample: NewSample | None
    error: str = ""


@dataclass(frozen=True)
class _LabelsFiles:
    """What the labels files of a request have about its other files, by file name."""

    descriptions: Descriptions
    ranges: Mapping[str, Sequence[LabelledRange]]
    boxed: frozenset[str]  # files with bounding boxes

    def of(self, filename: str) -> Description:
        if filename in self.boxed:
            raise ApiError(f"{BOUNDING_BOXES} has bounding boxes for it, which the local studio does not support")
        found = self.descriptions.take(filename) or Description(filename)
        return found if found.ranges is not None else replace(found, ranges=self.ranges.get(filename))


def _sort_parts(parts: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    labels_files = [part for part in parts if part.filename.endswith(".labels")]
    files = [part for part in parts if part not in labels_files]
    if not files:
        raise ApiError("The request has no file")
    return labels_files, files


def _read_labels_files(parts: Sequence[Part]) -> _LabelsFiles:
    entries: list[Any] = []
    ranges: dict[str, list[LabelledRange]] = {}
    boxed: set[str] = set()
    for part in parts:
        if part.error or part.content.size > LARGEST_LABELS_FILE:
            raise TooLarge(f"{part.filename} has more than the {mib(LARGEST_LABELS_FILE)} that are accepted")
        if part.filename == INFO_LABELS:
            entries += read_entries(part.content.read())
        elif part.filename == STRUCTURED_LABELS:
            ranges |= ranges_by_file(part.content.read())
        elif part.filename == BOUNDING_BOXES:
            boxed |= boxed_files(part.content.read())
        else:
            known = f"{INFO_LABELS}, {STRUCTURED_LABELS} and {BOUNDING_BOXES}"
            raise ApiError(f"{part.filename} is not supported by the local studio; {known} are")
    return _LabelsFiles(Descriptions(entries), ranges, frozenset(boxed))


def _received(
    upload: Upload, part: Part, describe: Callable[[], Description], metadata: Mapping[str, str]
) -> _ReceivedFile:
    """Read one file. An error of it, or of its description, is the reason why only it is not stored."""
    try:
        if part.error:
            raise ApiError(part.error)
        description = describe()
        contents = _contents(upload, part)
        if description.ranges is None and contents.ranges:
            description = replace(description, ranges=contents.ranges)
        check_ranges(description.ranges or (), contents.values_count)
        described = replace(description, metadata={**metadata, **description.metadata})
        sample = _sample(upload, part, contents, described)
        check_line("the label", sample.label)
    except ApiError as error:
        return _ReceivedFile(part, None, str(error))
    return _ReceivedFile(part, sample)


def _contents(upload: Upload, part: Part) -> Contents:
    suffix = Path(part.filename).suffix.lower()
    start = part.content.read(0, LONGEST_MARK)
    if start.startswith(b"RIFF"):
        header = read_header(part.content.read, part.content.size)
        if header.encoding == FLOAT or header.channels > 1:  # other values are sound, whatever they are
            upload.inspect(part.content.byte_range, "wav", part.filename)
        return Contents("wav", 1000.0 / header.rate, AUDIO, header.frames)
    if suffix == ".csv" and start:
        return _inspected(upload, part, "csv")
    if suffix in (".json", ".cbor"):
        form = "cbor" if start[:1] in CBOR_OBJECT else "json" if _is_text(start) else suffix[1:]
        return _inspected(upload, part, form)
    what = f"A file of this type ({suffix or 'no suffix'})" if start else "An empty file"
    raise ApiError(f"{what} cannot be read; WAV, JSON, CBOR and CSV are accepted, and eitk upload converts other audio")


def _inspected(upload: Upload, part: Part, form: str) -> Contents:
    found = upload.inspect(part.content.byte_range, form, part.filename)
    sensors = tuple((str(name), str(units)) for name, units in found.pop("sensors"))
    ranges = tuple(parse(LabelledRange, one) for one in found.pop("ranges", ()))
    return Contents(**found, sensors=sensors, ranges=ranges)


def _is_text(start: bytes) -> bool:
    """Whether a file begins as JSON does, perhaps behind a byte order mark."""
    return start.startswith(UTF16_MARKS) or start.removeprefix(UTF8_MARK).lstrip()[:1] == b"{"


def _sample(upload: Upload, part: Part, contents: Contents, description: Description) -> NewSample:
    filename = description.filename
    own = Label(contents.label, "label") if contents.label and "x-label" not in upload.headers else None
    label = description.label or own or label_of(upload.headers, filename)
    byte_range, ranges = part.content.byte_range, description.ranges
    category = description.category or upload.category
    return NewSample(
        category=Split().of_digest(byte_range.sha256) if category == "split" else category,
        filename=Path(filename).stem,
        suffix=Path(filename).suffix or f".{contents.format}",
        label=joined_labels(ranges) if ranges else label.text,
        label_type="multi-label" if ranges else label.kind,
        sha256=byte_range.sha256,
        format=contents.format,
        interval_ms=contents.interval_ms,
        sensors=contents.sensors,
        values_count=contents.values_count,
        structured_labels=None if ranges is None else stored_ranges(ranges),
        metadata=description.metadata,
        device_name=contents.device_name,
        device_type=contents.device_type or upload.headers.get("x-device-type", ""),
        source=upload.headers.get("x-upload-source", ""),
        pack=part.content.pack.name,
        start=byte_range.start,
        size=byte_range.size,
        signature_valid=contents.signature_valid,
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
        error = f"{DUPLICATE} (ids: {', '.join(map(str, stored.ids))})"
    if error:
        return {"success": False, "fileName": name, "error": error}
    return {"success": True, "projectId": project, "sampleId": stored, "fileName": name}


router = APIRouter(prefix="/api")
SUFFIXES = {"application/json": ".json", "application/cbor": ".cbor"}


@router.post("/{category}/files")
async def upload_files(category: str, request: Request, context: Uploader) -> Response:
    """Store the files of a multipart body; the response has the result of each."""
    upload, turns, key = _upload(category, request, context), context.studio.upload_turns, context.key.id
    with turns.request(key), context.store.packs.begin() as pack:
        content_type = request.headers.get("content-type", "")
        parts = await receive(content_type, request.stream(), pack, Bounds(), partial(turns.run, key))
        outcomes = await turns.run(key, accept, context.store, upload, pack, parts)
    return answer({"files": outcomes})


@router.post("/{category}/data")
async def upload_data(category: str, request: Request, context: Uploader) -> Response:
    """Store the body as one file with the name `x-file-name`; the response is the name as text."""
    name = request.headers.get("x-file-name", "")
    if not name:
        return PlainTextResponse("The header x-file-name is missing", 421)
    upload, turns, key = _upload(category, request, context), context.studio.upload_turns, context.key.id
    with turns.request(key), context.store.packs.begin() as pack:
        part = await _raw_part(request, context, pack, name)
        [outcome] = await turns.run(key, accept, context.store, upload, pack, [part])
    if not outcome["success"]:
        return PlainTextResponse(outcome["error"], 400)
    return PlainTextResponse(outcome["fileName"])


def _upload(category: str, request: Request, context: RequestContext) -> Upload:
    if category not in (*CATEGORIES, "split"):
        raise Unknown(f"There is no category {category[:40]!r}; categories: {', '.join(CATEGORIES)}, split")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Upload(context.project, category, headers, partial(_inspect, context))  # type: ignore[arg-type]


def _inspect(context: RequestContext, byte_range: ByteRange, form: str, name: str) -> dict[str, Any]:
    """Let a worker read a file."""
    hmac_key = context.store.projects.get(context.project).hmac_key
    return context.studio.inspectors.inspect(
        context.key.id, content=byte_range.to_json(), format=form, name=name, hmac_key=hmac_key
    )


async def _raw_part(request: Request, context: RequestContext, pack: Pack, name: str) -> Part:
    """Store the body as one part; a name without a suffix gets that of the content type."""
    suffix = SUFFIXES.get(request.headers.get("content-type", "").split(";")[0].strip().lower(), "")
    filename = safe_filename(name)
    part = Part("data", filename if Path(filename).suffix else filename + suffix, pack.begin())
    async for piece in gathered(request.stream(), PIECE):
        if part.content.size + len(piece) > Bounds().file_size:
            raise TooLarge(f"The file has more than the {mib(Bounds().file_size)} that are accepted")
        await context.studio.upload_turns.run(context.key.id, part.content.write, piece)
    if not part.content.size:
        raise Malformed("The body is empty")
    return part
