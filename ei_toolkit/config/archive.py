"""Read and unpack zip and tar archives that are not trusted: nothing lands outside the folder, sizes have limits."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from ei_toolkit.config.atomic_write import replace_folder
from ei_toolkit.errors import ArchiveError

MIB = 2**20
GIB = 2**30
CHUNK_BYTES = MIB
RATIO_FLOOR_BYTES = MIB  # a smaller file is harmless whatever its compression ratio is
NAME_BYTES = 255  # the longest name of a file or folder on common file systems
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError)
"""What the standard library raises for damage, for a compression or encryption that it lacks, and for bad names."""


@dataclass(frozen=True)
class Limits:
    """What an archive may unpack to. Unpacked bytes are counted, whatever the headers promise.

    `ratio` is the largest factor by which one file of a zip may grow; None for any factor.
    """

    entries: int = 20_000
    entry_bytes: int = 1024 * MIB
    total_bytes: int = 1024 * MIB
    ratio: int | None = None


DEFAULT_LIMITS = Limits()
Selects = Callable[[PurePosixPath], bool]


def is_archive(path: Path) -> bool:
    """Whether a path is a zip or tar archive by its content."""
    return path.is_file() and (zipfile.is_zipfile(path) or tarfile.is_tarfile(path))


def entry_names(source: Path, limits: Limits = DEFAULT_LIMITS) -> list[PurePosixPath]:
    """The names of all files in an archive. Raises ArchiveError where it cannot be read or has too many."""
    with _open(source, limits) as entries:
        return [entry.name for entry in entries]


def read_entries(
    source: Path, wanted: Selects, limits: Limits = DEFAULT_LIMITS
) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Name and content of every plain file whose name is `wanted`, in the archive's order; nothing is written.

    Names are as in the archive, absolute ones included: do not write to them. Raises ArchiveError for an archive that
    is damaged or exceeds the limits.
    """
    with _open(source, limits) as entries:
        content = _Content(source, limits)
        for entry in entries:
            if entry.is_plain and wanted(entry.name):
                yield entry.name, b"".join(content.chunks(entry))


def check_archive(source: Path, limits: Limits = DEFAULT_LIMITS) -> None:
    """Read an archive to its end, and write nothing.

    Raises ArchiveError for one that is damaged or empty, that exceeds the limits, or that `extract_archive` refuses.
    """
    for _name, chunks in _safe_entries(source, limits):
        for _chunk in chunks:
            pass


def extract_archive(source: Path, folder: Path, limits: Limits = DEFAULT_LIMITS) -> None:
    """Unpack an archive into `folder`, whole or not at all; an older `folder` is replaced.

    Raises ArchiveError for an archive that is damaged or empty, that exceeds the limits, or that has a link, a device
    or a name outside of the folder.
    """
    with replace_folder(folder) as unpacked:
        for name, chunks in _safe_entries(source, limits):
            target = unpacked / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                file.writelines(chunks)


@dataclass(frozen=True)
class _Entry:
    """One file of an archive. `is_plain` is false for links, devices and pipes; `ratio` is 0 where it is not known."""

    name: PurePosixPath
    is_plain: bool
    ratio: float
    open: Callable[[], IO[bytes] | None]


class _Content:
    """The content of the files of one archive, in chunks, within the limits."""

    def __init__(self, source: Path, limits: Limits) -> None:
        self._source, self._limits, self._total = source, limits, 0

    def chunks(self, entry: _Entry) -> Iterator[bytes]:
        """The content of one file. Raises ArchiveError at the first byte that is over a limit."""
        size = 0
        with _damage_as_error(self._source):
            stream = entry.open()
            while stream and (chunk := stream.read(CHUNK_BYTES)):
                size += len(chunk)
                self._total += len(chunk)
                if size > self._limits.entry_bytes:
                    raise _too_large(self._source, f"{entry.name} is larger than {self._limits.entry_bytes} bytes")
                if self._total > self._limits.total_bytes:
                    raise _too_large(self._source, f"it unpacks to more than {self._limits.total_bytes} bytes")
                yield chunk


def _safe_entries(source: Path, limits: Limits) -> Iterator[tuple[PurePosixPath, Iterator[bytes]]]:
    """Name and chunks of every file; the chunks of one file are read before the next file."""
    with _open(source, limits) as entries:
        content = _Content(source, limits)
        files: set[PurePosixPath] = set()
        folders: set[PurePosixPath] = set()
        for entry in entries:
            _check_entry(source, entry, limits)
            files.add(entry.name)
            folders.update(entry.name.parents)
            if both := files & {entry.name, *entry.name.parents} & folders:
                raise ArchiveError(
                    f"{source.name} cannot be unpacked", why=f"'{both.pop()}' is a file and a folder in it"
                )
            yield entry.name, content.chunks(entry)
        if not files:
            raise ArchiveError(f"{source.name} cannot be unpacked", why="it is empty")


def _check_entry(source: Path, entry: _Entry, limits: Limits) -> None:
    name = entry.name
    reason = ""
    if name.is_absolute() or ".." in name.parts or not name.parts or ":" in name.parts[0]:
        reason = f"{str(name)!r} would land outside of its folder"
    elif any(len(part.encode(errors="surrogateescape")) > NAME_BYTES for part in name.parts):
        reason = f"{str(name)[:40]!r}… is longer than {NAME_BYTES} bytes"
    elif not entry.is_plain:
        reason = f"{str(name)!r} is a link or a device"
    elif limits.ratio and entry.ratio > limits.ratio:
        reason = f"{str(name)!r} would grow more than {limits.ratio} times"
    if reason:
        raise ArchiveError(f"{source.name} is not safe to unpack", why=reason)


@contextmanager
def _open(source: Path, limits: Limits) -> Iterator[Iterator[_Entry]]:
    """The files of an archive, folders left out."""
    if not source.is_file():
        raise ArchiveError(f"{source} is not a file" if source.exists() else f"{source} does not exist")
    with _damage_as_error(source):
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as archive:
                yield _limited(source, limits, _zip_entries(archive))
        elif not tarfile.is_tarfile(source):
            raise ArchiveError(f"{source.name} cannot be unpacked", why="it is neither a zip nor a tar archive")
        else:
            with tarfile.open(source, "r:*") as archive:
                yield _limited(source, limits, _tar_entries(archive))


@contextmanager
def _damage_as_error(source: Path) -> Iterator[None]:
    try:
        yield
    except (*DAMAGE, OSError) as error:
        raise ArchiveError(f"{source.name} cannot be unpacked", why=str(error) or type(error).__name__) from error


def _limited(source: Path, limits: Limits, entries: Iterator[_Entry]) -> Iterator[_Entry]:
    for number, entry in enumerate(entries, 1):
        if number > limits.entries:
            raise _too_large(source, f"it has more than {limits.entries} files")
        yield entry


def _zip_entries(archive: zipfile.ZipFile) -> Iterator[_Entry]:
    for info in archive.infolist():
        if not info.filename.endswith("/"):  # is_dir() raises IndexError for an empty name
            ratio = info.file_size / max(1, info.compress_size) if info.file_size > RATIO_FLOOR_BYTES else 0.0
            is_plain = not stat.S_ISLNK(info.external_attr >> 16)
            yield _Entry(_path(info.filename), is_plain, ratio, partial(archive.open, info))


def _tar_entries(archive: tarfile.TarFile) -> Iterator[_Entry]:
    for info in archive:
        if not info.isdir():
            yield _Entry(_path(info.name), info.isreg(), 0.0, partial(archive.extractfile, info))


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))  # some programs write the separator of Windows


def _too_large(source: Path, why: str) -> ArchiveError:
    return ArchiveError(f"{source.name} is too large to unpack", why=why)
