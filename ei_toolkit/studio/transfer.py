"""Export and import of a project's samples as a zip with `info.labels`, which the official tools can read."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ei_toolkit.config.atomic_write import replace_file
from ei_toolkit.errors import DataError
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.ingestion import Contents, Upload, accept
from ei_toolkit.studio.http.multipart import Bounds, Part
from ei_toolkit.studio.http.sample_labels import safe_filename
from ei_toolkit.studio.jobs.acquisition import read_acquisition
from ei_toolkit.studio.jobs.exporting import write_export
from ei_toolkit.studio.manage import chosen_project, open_store
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.blobs import CHUNK_BYTES
from ei_toolkit.studio.store.packs import ByteRange, Pack
from ei_toolkit.studio.store.samples import CATEGORIES
from ei_toolkit.studio.wire_format import read_json


@dataclass(frozen=True)
class ImportReport:
    """How many files of an import were accepted or existed already, and why the others were rejected."""

    accepted: int
    known: int
    rejected: tuple[str, ...]


def export_project(data: Path, project: int, out: Path) -> int:
    """Write all samples of a project into a zip; return their number. The file exists only when it is complete.

    Raises DataError for a zip that cannot be written.
    """
    try:
        _check_target(out)
        with open_store(data) as store:
            return _export(store, chosen_project(store, project), out)
    except OSError as error:
        raise DataError(
            f"{out} cannot be written", why=_why(error), hint="name another file, or free disk space"
        ) from error


def import_project(data: Path, project: int, source: Path, progress: Callable[[int], None]) -> ImportReport:
    """Read a zip with `info.labels` into a project; samples that exist already are skipped.

    Raises DataError for a file that is not such a zip.
    """
    outcomes: list[dict[str, Any]] = []
    try:
        with open_store(data) as store, zipfile.ZipFile(source) as archive:
            chosen = chosen_project(store, project)
            for entry in _entries(archive):
                outcomes.append(_import(store, chosen, archive, entry))
                progress(1)
    except (OSError, zipfile.BadZipFile) as error:
        hint = "name a zip that was written by eitk studio export"
        raise DataError(f"{source} cannot be read", why=_why(error), hint=hint) from error
    errors = [f"{outcome['fileName']}: {outcome['error']}" for outcome in outcomes if not outcome["success"]]
    known = [error for error in errors if "already exists" in error]
    rejected = tuple(error for error in errors if error not in known)
    return ImportReport(len(outcomes) - len(errors), len(known), rejected)


def _check_target(out: Path) -> None:
    if out.is_dir():
        raise DataError(f"{out} is a folder", hint="name the zip file to write")
    if not out.parent.is_dir():
        raise DataError(
            f"{out} cannot be written", why=f"the folder {out.parent} does not exist", hint="create the folder first"
        )


def _export(store: Store, project: int, out: Path) -> int:
    with replace_file(out) as partial:
        return write_export(store, project, partial)


def _why(error: Exception) -> str:
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.strerror}: {error.filename}" if error.filename else error.strerror


def _entries(archive: zipfile.ZipFile) -> Iterator[dict[str, Any]]:
    try:
        name = next(name for name in archive.namelist() if Path(name).name == "info.labels")
        files: list[dict[str, Any]] = read_json(archive.read(name))["files"]
        prefix = name.removesuffix("info.labels")
        return ({**entry, "member": prefix + entry["path"]} for entry in files)
    except (StopIteration, ValueError, KeyError, TypeError) as error:
        raise DataError(
            "the zip has no valid info.labels", hint="name a zip that was written by eitk studio export"
        ) from error


def _import(store: Store, project: int, archive: zipfile.ZipFile, entry: dict[str, Any]) -> dict[str, Any]:
    name = safe_filename(str(entry.get("name", "sample")) + Path(str(entry["path"])).suffix)
    category = entry.get("category", "split")
    if category not in (*CATEGORIES, "split") or entry["member"] not in archive.namelist():
        return {
            "success": False,
            "fileName": name,
            "error": f"it is not in the zip, or its category {category!r} is unknown",
        }
    try:
        with store.packs.begin() as pack:
            parts = [_part(pack, archive, entry["member"], name), *_labels_file(pack, entry.get("label", {}), name)]
            return accept(store, Upload(project, category, _headers(entry), _inspect), pack, parts)[0]
    except ApiError as error:
        return {"success": False, "fileName": name, "error": str(error)}


def _part(pack: Pack, archive: zipfile.ZipFile, member: str, name: str) -> Part:
    part = Part("data", name, pack.begin())
    with archive.open(member) as file:
        while chunk := file.read(CHUNK_BYTES):
            if part.content.size + len(chunk) > Bounds().file_size:
                part.error = f"the file has more than the {Bounds().file_size // 2**20} MB that are accepted"
                break
            part.content.write(chunk)
    return part


def _labels_file(pack: Pack, label: dict[str, Any], name: str) -> list[Part]:
    """Return labelled ranges as the file that an upload has for them."""
    if label.get("type") != "multi-label":
        return []
    part = Part("data", "structured_labels.labels", pack.begin())
    document = {"version": 1, "type": "structured-labels", "structuredLabels": {name: label.get("labels", [])}}
    part.content.write(json.dumps(document).encode())
    return [part]


def _headers(entry: dict[str, Any]) -> dict[str, str]:
    label = entry.get("label", {})
    headers = {"x-disallow-duplicates": "1", "x-metadata": quote(json.dumps(entry.get("metadata", {})))}
    if label.get("type") == "unlabeled":
        return {**headers, "x-no-label": "1"}
    return {**headers, "x-label": quote(str(label["label"]))} if "label" in label else headers


def _inspect(byte_range: ByteRange, form: str) -> Contents:
    found = read_acquisition(byte_range.read(), form)
    return Contents(
        "json" if form == "json" else "cbor", found.interval_ms, found.sensors, len(found.values),
        found.device_name, found.device_type,
    )  # fmt: skip
