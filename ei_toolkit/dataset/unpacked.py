"""Data sets that are zip archives: unpacked once into the state of the project."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ei_toolkit.config.archive import GIB, Limits, extract_archive
from ei_toolkit.config.project import ProjectPaths

MOST_ENTRIES = 500_000
MOST_GROWTH = 30  # of a whole archive; one file may grow more, because silence compresses well
ALLOWED_BYTES = 4 * GIB  # whatever the growth is


def unpacked(archive: Path, paths: ProjectPaths) -> Path:
    """Return the folder with the content of an archive; it is unpacked again if its size or time has changed.

    Raises ArchiveError for an archive that is damaged, unsafe to unpack, or too large.
    """
    state = archive.stat()
    mark = hashlib.sha256(f"{archive} {state.st_size} {state.st_mtime_ns}".encode()).hexdigest()[:12]
    folder = paths.unpacked / f"{archive.stem}.{mark}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        extract_archive(archive, folder, limits_of(state.st_size))
    return folder


def limits_of(archive_bytes: int) -> Limits:
    """Return what an archive of that size may unpack to."""
    return Limits(MOST_ENTRIES, entry_bytes=GIB, total_bytes=max(ALLOWED_BYTES, MOST_GROWTH * archive_bytes))
