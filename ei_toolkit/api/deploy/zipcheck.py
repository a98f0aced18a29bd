"""A zip from a server is hostile until checked: no path out of its folder, no links, no bomb."""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ei_toolkit.errors import ApiError

MOST_FILES = 20_000
LARGEST_TOTAL = 1024 * 2**20
LARGEST_RATIO = 200  # times that a file may grow; C sources compress about five times
LARGEST_SOURCE = 2**22
MODEL_HASH = re.compile(rb'#define\s+EITK_MODEL_SHA256\s+"([0-9a-f]{64})"')
SMALL = 2**20  # what is smaller cannot hurt whatever its ratio


def check_zip(path: Path) -> None:
    """Raise ApiError unless the file is a whole zip that is safe to unpack."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > LARGEST_TOTAL:
                raise _refused("it would unpack to too much")
            for entry in entries:
                _check_entry(entry)
            broken = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise _refused(f"it is no whole zip: {error}") from None
    if broken is not None:
        raise _refused(f"{broken} is damaged")
    if not entries:
        raise _refused("it is empty")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_model_in_zip(archive: Path, model: Path) -> None:
    """Raise ApiError where the library says which model it was made of, and that is not `model`.

    Libraries of eitk's own studio say so; then a training between build and download cannot go unnoticed.
    """
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            if entry.filename.endswith((".h", ".cpp")) and entry.file_size < LARGEST_SOURCE:
                found = MODEL_HASH.search(opened.read(entry))
                if found and found[1].decode() != sha256_of(model):
                    raise ApiError(
                        "the library and the model are of different trainings",
                        why=f"the library was made of model {found[1].decode()[:12]}",
                        hint="Build it again: eitk build",
                    )


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = PurePosixPath(entry.filename)
    is_drive = len(entry.filename) > 1 and entry.filename[1] == ":"
    if name.is_absolute() or ".." in name.parts or "\\" in entry.filename or is_drive:
        raise _refused(f"{entry.filename!r} would land outside its folder")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _refused(f"{entry.filename!r} is a link")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused(f"{entry.filename!r} is packed in an unusual way")
    if entry.flag_bits & 0x1:
        raise _refused(f"{entry.filename!r} is encrypted")
    if entry.file_size > SMALL and entry.file_size > LARGEST_RATIO * max(1, entry.compress_size):
        raise _refused(f"{entry.filename!r} would grow more than {LARGEST_RATIO} times")


def _refused(why: str) -> ApiError:
    return ApiError("the downloaded library is refused", why=why, hint="Build it again: eitk build")
