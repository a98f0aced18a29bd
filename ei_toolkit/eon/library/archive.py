"""A zip with the same bytes for the same files: fixed dates, sorted names."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

OLDEST = (1980, 1, 1, 0, 0, 0)
PLAIN_FILE = 0o100644 << 16


def write_archive(path: Path, files: Mapping[str, bytes]) -> str:
    """Write `files` (name in the zip -> bytes) and return the zip's SHA-256. The file appears whole or not at all."""
    data = _zip(files)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)
    return hashlib.sha256(data).hexdigest()


def _zip(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, OLDEST)
            entry.external_attr = PLAIN_FILE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return buffer.getvalue()
