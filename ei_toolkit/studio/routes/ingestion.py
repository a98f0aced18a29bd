"""Uploads: the other port."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from ei_toolkit.studio.access import Call, Uploader
from ei_toolkit.studio.http import answer
from ei_toolkit.studio.ingestion.accept import Contents, Upload, accept
from ei_toolkit.studio.ingestion.labels import safe_filename
from ei_toolkit.studio.ingestion.multipart import Bounds, Part, receive
from ei_toolkit.studio.packs import Pack, Place
from ei_toolkit.studio.refusal import Malformed, TooLarge, Unknown
from ei_toolkit.studio.store.samples import CATEGORIES

router = APIRouter(prefix="/api")
SUFFIXES = {"application/json": ".json", "application/cbor": ".cbor"}


@router.post("/{category}/files")
async def upload_files(category: str, request: Request, call: Uploader) -> Response:
    """Files as multipart, each answered for itself."""
    upload = _upload(category, request, call)
    with call.store.packs.begin() as pack:
        parts = await receive(request.headers.get("content-type", ""), request.stream(), pack, Bounds())
        outcomes = await run_in_threadpool(accept, call.store, upload, pack, parts)
    return answer({"files": outcomes})


@router.post("/{category}/data")
async def upload_data(category: str, request: Request, call: Uploader) -> Response:
    """One file as the raw body, named by `x-file-name`; answers its name as text."""
    name = request.headers.get("x-file-name", "")
    if not name:
        return PlainTextResponse("Missing header x-file-name", 421)
    upload = _upload(category, request, call)
    with call.store.packs.begin() as pack:
        part = await _raw_part(request, pack, name)
        [outcome] = await run_in_threadpool(accept, call.store, upload, pack, [part])
    if not outcome["success"]:
        return PlainTextResponse(outcome["error"], 400)
    return PlainTextResponse(outcome["fileName"])


def _upload(category: str, request: Request, call: Call) -> Upload:
    if category not in (*CATEGORIES, "split"):
        raise Unknown(f"There is no category {category[:40]!r}")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Upload(call.project, category, headers, partial(_inspect, call))  # type: ignore[arg-type]


def _inspect(call: Call, place: Place, form: str) -> Contents:
    """Have the helper process look into an acquisition file."""
    found: dict[str, Any] = call.studio.calculator.ask("inspect", content=place.plain(), format=form)
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
