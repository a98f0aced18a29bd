"""Export and import of a project's samples as a zip with `info.labels`, which the official tools can read."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ei_toolkit.config.archive import DAMAGE as ARCHIVE_DAMAGE
from ei_toolkit.config.atomic_write import replace_file
from ei_toolkit.config.units import mib
from ei_toolkit.dataset.listing import INFO_LABELS
from ei_toolkit.errors import DataError
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.info_labels import describe, read_entries
from ei_toolkit.studio.http.ingestion import DUPLICATE, LARGEST_LABELS_FILE, Inspect, Outcome, Upload, accept_described
from ei_toolkit.studio.http.multipart import Bounds, Part
from ei_toolkit.studio.jobs.exporting import write_export
from ei_toolkit.studio.jobs.inspection import inspect_content
from ei_toolkit.studio.manage import chosen_project, open_store
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.blobs import CHUNK_BYTES
from ei_toolkit.studio.store.packs import Pack

ZIP_HINT = "name a zip with info.labels, such as eitk studio export and Edge Impulse's export write"


@dataclass(frozen=True)
class ImportReport:
    """How many files of an import were accepted or existed already, and why the others were rejected.

    `unlisted` counts the files of the zip that `info.labels` does not list.
    """

    accepted: int
    known: int
    rejected: tuple[str, ...]
    unlisted: int = 0


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
    outcomes: list[Outcome] = []
    try:
        with open_store(data) as store, zipfile.ZipFile(source) as archive:
            chosen = chosen_project(store, project)
            files = _ZipFiles(archive)
            for folder, entry in _listed(files):
                outcomes.append(_import(store, chosen, files, folder, entry))
                progress(1)
            unlisted = len(files.unlisted)
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{source} cannot be read", why=_why(error), hint=ZIP_HINT) from error
    errors = [(outcome["fileName"], outcome["error"]) for outcome in outcomes if not outcome["success"]]
    rejected = tuple(f"{name}: {error}" for name, error in errors if not error.startswith(DUPLICATE))
    return ImportReport(len(outcomes) - len(errors), len(errors) - len(rejected), rejected, unlisted)


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


class _ZipFiles:
    """The files of a zip by name; programs of Windows write `\\` between the parts of a name."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        named = {info.filename.replace("\\", "/"): info for info in archive.infolist()}
        self._infos = {name: info for name, info in named.items() if not name.endswith("/")}
        self.unlisted = {name for name in self._infos if not name.endswith(".labels")}

    def labels_files(self) -> list[str]:
        """Return the names of the `info.labels` files that are least deep in the zip."""
        found = [name for name in self._infos if PurePosixPath(name).name == INFO_LABELS]
        least = min((name.count("/") for name in found), default=0)
        return sorted(name for name in found if name.count("/") == least)

    def find(self, folder: str, path: str) -> str | None:
        """Return the name of a file that `info.labels` in a folder of the zip lists, relative to it or to the zip."""
        plain = path.replace("\\", "/").removeprefix("./").lstrip("/")
        found = next((name for name in (folder + plain, plain) if name in self._infos), None)
        self.unlisted.discard(found or "")
        return found

    def open(self, name: str) -> IO[bytes]:
        """Open a file. Raises what zipfile raises."""
        return self._archive.open(self._infos[name])

    def read(self, name: str) -> bytes:
        """Return the start of a file, one byte more than a labels file may have."""
        with self.open(name) as file:
            return file.read(LARGEST_LABELS_FILE + 1)


def _listed(files: _ZipFiles) -> Iterator[tuple[str, Any]]:
    """Yield the entries of `info.labels`, each with the folder that its path is relative to."""
    names = files.labels_files()
    if not names:
        raise DataError(f"the zip has no {INFO_LABELS}", hint=ZIP_HINT)
    for name in names:
        content = files.read(name)
        if len(content) > LARGEST_LABELS_FILE:
            raise DataError(f"{name} has more than {mib(LARGEST_LABELS_FILE)}", hint=ZIP_HINT)
        try:
            entries = read_entries(content)
        except ApiError as error:
            raise DataError(f"the zip has no valid {INFO_LABELS}", why=str(error), hint=ZIP_HINT) from error
        yield from ((name.removesuffix(INFO_LABELS), entry) for entry in entries)


def _import(store: Store, project: int, files: _ZipFiles, folder: str, entry: Any) -> Outcome:
    """Store one file of the zip, or return why it was not stored."""
    path = entry.get("path") if isinstance(entry, dict) else None
    name = path if isinstance(path, str) else "an entry without a path"
    found = files.find(folder, name)
    try:
        description = describe(entry)
        if found is None:
            raise ApiError("it is not in the zip")
        with store.packs.begin() as pack:
            part = _part(pack, files, found, description.filename)
            upload = Upload(project, "split", {"x-disallow-duplicates": "1"}, _inspector(store, project))
            return accept_described(store, upload, pack, part, description) | {"fileName": name}
    except (ApiError, *ARCHIVE_DAMAGE) as error:
        return {"success": False, "fileName": name, "error": str(error) or type(error).__name__}


def _part(pack: Pack, files: _ZipFiles, found: str, name: str) -> Part:
    part = Part("data", name, pack.begin())
    with files.open(found) as file:
        while chunk := file.read(CHUNK_BYTES):
            if part.content.size + len(chunk) > Bounds().file_size:
                part.error = f"the file has more than the {mib(Bounds().file_size)} that are accepted"
                break
            part.content.write(chunk)
    return part


def _inspector(store: Store, project: int) -> Inspect:
    key = store.projects.get(project).hmac_key
    return lambda byte_range, form, name: inspect_content(byte_range.read(), form, name, key)
