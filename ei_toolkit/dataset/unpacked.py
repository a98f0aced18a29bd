"""Data sets that are zip archives: unpacked once into the state of the project."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ei_toolkit.config.archive import GIB, Limits, extract_archive
from ei_toolkit.config.project import ProjectPaths

LIMITS = Limits(entries=500_000, entry_bytes=GIB, total_bytes=64 * GIB, ratio=200)


def unpacked(archive: Path, paths: ProjectPaths) -> Path:
    """Return the folder with the content of an archive; it is unpacked again if its size or time has changed.

    Raises ArchiveError for an archive that is damaged, unsafe to unpack, or too large.
    """
    state = archive.stat()
    mark = hashlib.sha256(f"{archive} {state.st_size} {state.st_mtime_ns}".encode()).hexdigest()[:12]
    folder = paths.unpacked / f"{archive.stem}.{mark}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        extract_archive(archive, folder, LIMITS)
    return folder
