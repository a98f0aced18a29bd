"""Look into an archive or folder for clips. Nothing is ever unpacked to a place that the archive names."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from ei_toolkit.dataset.folder import SUFFIXES
from ei_toolkit.errors import DataError

LARGEST_CLIP = 64 << 20  # half a minute of stereo at 192 kHz in 32-bit float would fit
LARGEST_TOTAL = 16 << 30
MOST_MEMBERS = 200_000
UNREADABLE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)
Wanted = Callable[[str], bool]


def clips_in(source: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    """(stem, content) of every clip in a folder, zip or tar archive whose stem is `wanted`, in its own order.

    Links, devices and names are never followed; a clip, or all of them together, may not be larger than is sane.
    Raises DataError for what is no archive, is damaged, or is a bomb.
    """
    if source.is_dir():
        yield from _from_folder(source, wanted)
    elif zipfile.is_zipfile(source):
        yield from _guarded(source, _from_zip(source, wanted))
    elif source.is_file():
        yield from _guarded(source, _from_tar(source, wanted))
    else:
        raise DataError(f"there is no {source}", hint="--from takes an address, an archive (tar.gz, zip) or a folder.")


def _from_folder(folder: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if _is_clip(path.name, wanted) and path.is_file() and path.stat().st_size <= LARGEST_CLIP:
            yield path.stem, path.read_bytes()


def _from_zip(source: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(source) as archive:
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            raise _bomb(source, f"{len(members)} members")
        for member in members:
            if not member.is_dir() and _is_clip(member.filename, wanted):
                with archive.open(member) as stream:
                    yield _path(member.filename).stem, _read(source, stream)


def _from_tar(source: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(source, "r:*") as archive:
        for number, member in enumerate(archive):
            if number > MOST_MEMBERS:
                raise _bomb(source, f"more than {MOST_MEMBERS} members")
            if member.isreg() and _is_clip(member.name, wanted) and (stream := archive.extractfile(member)):
                yield _path(member.name).stem, _read(source, stream)


def _guarded(source: Path, clips: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Turn a damaged archive into a DataError, and stop one that never ends."""
    total = 0
    try:
        for stem, data in clips:
            total += len(data)
            if total > LARGEST_TOTAL:
                raise _bomb(source, f"more than {LARGEST_TOTAL >> 30} GiB of clips")
            yield stem, data
    except UNREADABLE as e:
        why = str(e) or type(e).__name__  # RuntimeError: a compression or encryption that zipfile does not know
        raise DataError(f"{source.name} is not an archive that can be read", why=why,
                        hint="Fetch it again, or give a tar.gz, a zip or a folder.") from None  # fmt: skip


def _read(source: Path, stream: IO[bytes]) -> bytes:
    data = stream.read(LARGEST_CLIP + 1)  # whatever the header says, no more than this is unpacked
    if len(data) > LARGEST_CLIP:
        raise _bomb(source, f"a clip of more than {LARGEST_CLIP >> 20} MiB")
    return data


def _is_clip(name: str, wanted: Wanted) -> bool:
    path = _path(name)
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and wanted(path.stem)


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))  # some zip programs write Windows' separator


def _bomb(source: Path, why: str) -> DataError:
    return DataError(f"{source.name} is not unpacked: it is no collection of clips", why=why)
