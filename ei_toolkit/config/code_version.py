"""The version of the program, with a hash of its sources."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

from ei_toolkit import __version__
from ei_toolkit.config.project import PACKAGE, bundled

FIRMWARE_SUFFIXES = {".h", ".hpp", ".c", ".cc", ".cpp", ".ino", ".S", ".ld"}


@cache
def code_version() -> str:
    """Return `<version>+<12 hex digits>`: a hash of all sources, the same in a checkout and in a wheel."""
    digest = sha256()
    for root, file in _sources():
        digest.update(file.relative_to(root).as_posix().encode())
        digest.update(sha256(file.read_bytes()).digest())
    return f"{__version__}+{digest.hexdigest()[:12]}"


def _sources() -> Iterator[tuple[Path, Path]]:
    firmware = bundled("firmware")
    for file in sorted(PACKAGE.rglob("*.py")):
        yield PACKAGE, file
    for file in sorted(firmware.rglob("*")):
        if file.suffix in FIRMWARE_SUFFIXES:
            yield firmware, file
