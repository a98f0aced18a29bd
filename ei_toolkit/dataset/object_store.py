"""Clips in an object store, which are copied into the project, and folders of an object store for windows.

The files below the address of the clips are copied, and the copy is kept equal to it.
The reading is fsspec's: s3:// with s3fs, gs:// with gcsfs, and whatever else is installed for it. Keys come from where
these packages look for them, such as the variables and files of the store's own command.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ei_toolkit.audio.formats import ACQUISITION_SUFFIXES, SUFFIXES
from ei_toolkit.config.address import shown_address
from ei_toolkit.config.archive import GIB, MIB
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.config.units import counted
from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.dataset.listing import GROUPS_NAME, file_of, is_metadata, safe_name
from ei_toolkit.errors import ConfigurationError, DataError, EitkError, MissingToolError, NetworkError

MOST_FILES = 500_000
LARGEST_FILE_BYTES = GIB
FILES_AT_ONCE = 64  # requested at once; what a run that is ended has copied before is kept
MARKS = ("ETag", "etag", "md5Hash", "LastModified", "mtime", "updated", "created")
"""What a store states of the content of a file: the first that is there is compared, with the size."""
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}
"""Extras of eitk by the scheme of an address."""
ROOT = "[dataset] root"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredFile:
    """A file in the store: its key there, its path below the copy, its size, and the mark of its content."""

    key: str
    name: str
    size: int
    mark: str


def copied_folder(address: str, paths: ProjectPaths) -> Path:
    """Return the folder with a copy of the sounds below an address and of the files that describe them.

    Files that are new or changed are copied, and those that are gone are removed. Raises MissingToolError without the
    package for the address, ConfigurationError without permission or for a bucket that does not exist, NetworkError
    where the store does not answer, DataError for names and sizes that cannot be copied.
    """
    folder = folder_of_copy(address, paths)
    folder.mkdir(parents=True, exist_ok=True)
    with acquire_lock(folder.with_suffix(".lock"), wait=True):
        store, files = _list(address)
        _copy(store, address, files, folder)
    return folder


def folder_of_copy(address: str, paths: ProjectPaths) -> Path:
    """Return where the copy of an address is, or would be."""
    name = "".join(each if each.isalnum() else "-" for each in shown_address(address).rstrip("/").rpartition("/")[2])
    return paths.copied / f"{name[:40]}-{hashlib.sha256(address.encode()).hexdigest()[:12]}"


def _list(address: str) -> tuple[Any, Sequence[StoredFile]]:
    """Return the file system of the address and the files below it. Raises as `copied_folder` does."""
    store, base = _file_system(address, ROOT)
    with _errors(address, ROOT):
        store.invalidate_cache()
        entries: Mapping[str, Mapping[str, Any]] = store.find(base, detail=True)
    files = [_stored(key, key[len(base) :], entry) for key, entry in entries.items() if _is_wanted(key, entry)]
    _check(address, files)
    return store, files


def _file_system(address: str, setting: str) -> tuple[Any, str]:
    """Return the file system of an address, and its key there. Raises MissingToolError without its package."""
    try:
        import fsspec  # an extra
    except ImportError:
        raise _missing(address, "fsspec is not installed") from None
    with _errors(address, setting):
        store, base = fsspec.url_to_fs(address)
    return store, base


@contextmanager
def _errors(address: str, setting: str) -> Iterator[None]:
    """Raise the errors of a store's client as those of eitk."""
    try:
        yield
    except EitkError:
        raise
    except ImportError as error:
        raise _missing(address, str(error)) from None
    except Exception as error:  # the client of each store raises exceptions of its own
        raise _refused(address, error, setting) from error


def _is_wanted(key: str, entry: Mapping[str, Any]) -> bool:
    suffixes = SUFFIXES | ACQUISITION_SUFFIXES
    named = Path(key).suffix.lower() in suffixes or file_of(key) == GROUPS_NAME or is_metadata(key)
    return entry["type"] == "file" and named


def _stored(key: str, below: str, entry: Mapping[str, Any]) -> StoredFile:
    name = safe_name(below.lstrip("/"))
    if name is None:
        raise DataError(f"the name {below!r} leads outside of its folder", hint="Rename it in the store.")
    mark = next((str(entry[mark]) for mark in MARKS if entry.get(mark)), "")
    return StoredFile(key, name, int(entry["size"] or 0), mark)


def _check(address: str, files: Sequence[StoredFile]) -> None:
    shown = shown_address(address)
    if not files:
        hint = "Correct [dataset] root, with one folder of clips for each label below it."
        raise DataError(f"there are no clips at {shown}", hint=hint)
    if len(files) > MOST_FILES:
        raise DataError(f"there are {len(files)} files at {shown}", hint=f"At most {MOST_FILES} are copied.")
    folders = {parent.as_posix() for file in files for parent in Path(file.name).parents}
    names: set[str] = set()
    for file in files:
        if file.size > LARGEST_FILE_BYTES:
            raise DataError(f"{file.name} at {shown} has {file.size / GIB:.1f} GiB", hint="At most 1 GiB is copied.")
        if file.name in names or file.name in folders:
            raise DataError(f"{file.name} stands for several files at {shown}", hint="Rename one of them in the store.")
        names.add(file.name)


def _copy(store: Any, address: str, files: Sequence[StoredFile], folder: Path) -> None:
    state = folder.with_suffix(".json")
    marks = _marks(state)
    wanted = {file.name: [file.size, file.mark] for file in files}
    for name in sorted(marks.keys() - wanted.keys()):
        (folder / name).unlink(missing_ok=True)
    marks = {name: mark for name, mark in marks.items() if name in wanted}
    fresh = [file for file in files if marks.get(file.name) != wanted[file.name] or not (folder / file.name).is_file()]
    _check_space(fresh, folder)
    if fresh:
        size = sum(file.size for file in fresh) / MIB
        log.warning("copying %s, %.1f MiB, from %s", counted(len(fresh), "file"), size, shown_address(address))
    for first in range(0, len(fresh), FILES_AT_ONCE):
        group = fresh[first : first + FILES_AT_ONCE]
        _copy_files(store, address, group, folder)
        marks |= {file.name: wanted[file.name] for file in group}
        write_text(state, json.dumps(marks))
    write_text(state, json.dumps(marks))


def _copy_files(store: Any, address: str, files: Sequence[StoredFile], folder: Path) -> None:
    parts = [folder / f"{file.name}.part" for file in files]
    for part in parts:
        part.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _errors(address, ROOT):
            store.get([file.key for file in files], [str(part) for part in parts])
            for file, part in zip(files, parts, strict=True):
                if part.stat().st_size != file.size:
                    raise OSError(f"{file.name} was changed while it was copied")
                part.replace(folder / file.name)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _marks(state: Path) -> dict[str, list[Any]]:
    """Return size and mark of each file of the copy; nothing where they are not stored, and all is copied again."""
    try:
        marks = read_json(state.read_text(encoding="utf-8"))
    except (OSError, ValueError, DataError):
        return {}
    return dict(marks) if isinstance(marks, dict) else {}


def _check_space(files: Sequence[StoredFile], folder: Path) -> None:
    needed, free = sum(file.size for file in files), shutil.disk_usage(folder).free
    if needed > free:
        what = f"the clips need {needed / MIB:.0f} MiB, and {free / MIB:.0f} MiB are free for {folder}"
        raise DataError(what, hint="Free some space, or use a project on another disk.")


def _missing(address: str, why: str) -> MissingToolError:
    scheme = address.partition("://")[0].lower()
    extra = EXTRAS.get(scheme)
    hint = f"pip install 'eitk[{extra}]'" if extra else "Install the package of fsspec for it, or use s3:// or gs://."
    return MissingToolError(f"{shown_address(address)} cannot be used", why=why, hint=hint)


def _refused(address: str, error: Exception, setting: str) -> ConfigurationError | NetworkError | DataError:
    """Return the error of eitk for one of a store's client: by its class, or the name of its class."""
    what = f"{shown_address(address)} cannot be used"
    why = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, PermissionError) or "Credentials" in type(error).__name__:
        hint = "Give the keys of the store permission to list, read and, for windows, write; see docs/data-layouts.md."
        return ConfigurationError(what, why=why, hint=hint)
    if isinstance(error, FileNotFoundError | ValueError | NotADirectoryError):
        return ConfigurationError(what, why=why, hint=f"Correct {setting}: s3://BUCKET/FOLDER or gs://BUCKET/FOLDER.")
    return NetworkError(what, why=why, hint="Check the connection and run the command again: what was copied is kept.")


@dataclass(frozen=True)
class RemoteFolder:
    """A folder of an object store, for files that are written whole; `setting` is named in errors.

    Its methods raise MissingToolError without the package for the address, ConfigurationError without permission or
    for a bucket that does not exist, NetworkError where the store does not answer.
    """

    address: str
    setting: str

    def names(self, suffix: str) -> list[str]:
        """Return the sorted names of the files that end in `suffix`; none where there is no such folder."""
        store, base = _file_system(self.address, self.setting)
        with _errors(self.address, self.setting):
            store.invalidate_cache()
            try:
                found = [file_of(str(key)) for key in store.ls(base, detail=False)]
            except FileNotFoundError:
                return []
        return sorted(name for name in found if name.endswith(suffix))

    def open(self, name: str) -> io.RawIOBase:
        """Open a file for reading; each reading is one request."""
        store, base = _file_system(self.address, self.setting)
        with _errors(self.address, self.setting):
            return _RemoteFile(self, store, f"{base}/{name}")

    def new_file(self) -> Path:
        """Return the path of a temporary file of this machine."""
        number, name = tempfile.mkstemp(prefix="eitk-", suffix=".part")
        os.close(number)
        return Path(name)

    def add(self, file: Path, name: str) -> None:
        """Upload a written file and delete it here. The store shows the file only when all of it has arrived."""
        store, base = _file_system(self.address, self.setting)
        try:
            with _errors(self.address, self.setting):
                store.put_file(str(file), f"{base}/{name}")
        finally:
            file.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        store, base = _file_system(self.address, self.setting)
        with _errors(self.address, self.setting), suppress(FileNotFoundError):
            store.rm_file(f"{base}/{name}")


class _RemoteFile(io.RawIOBase):
    """A file of an object store that is read by byte ranges, without the buffers of fsspec, which read too much."""

    def __init__(self, folder: RemoteFolder, store: Any, key: str) -> None:
        self._folder, self._store, self._key = folder, store, key
        self._size, self._position = int(store.size(key)), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        end = min(self._position + len(buffer), self._size)
        if end <= self._position:
            return 0
        with _errors(self._folder.address, self._folder.setting):
            found = self._store.cat_file(self._key, start=self._position, end=end)
        buffer[: len(found)] = found
        self._position += len(found)
        return len(found)
