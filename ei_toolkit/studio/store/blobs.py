"""Blobs: models and files that jobs wrote, each stored in a file that is named by its SHA-256.

A file under its final name is complete: it is written under a temporary name, synced and then renamed.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

CHUNK_BYTES = 1 << 20
INCOMING = "incoming"  # the folder of incomplete and temporary files
DIGEST = re.compile(r"[0-9a-f]{64}")


def scratch_prefix(job: int) -> str:
    """Return how the names of a job's temporary folders in `incoming` begin."""
    return f"job-{job}-"


def make_private_folder(folder: Path) -> None:
    """Create a folder, or change one of an older version, so that only its owner can read it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(OSError):  # a folder of another user
        folder.chmod(0o700)


def rest_of(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what is left of a file in chunks, then close it."""
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


class Blobs:
    """A folder of blobs, `blobs/ab/abcdef…`, and the folder `incoming` on the same file system."""

    def __init__(self, data: Path) -> None:
        self.folder = data / "blobs"
        self.incoming = data / INCOMING
        self._numbers = itertools.count()
        for folder in (self.folder, self.incoming):
            make_private_folder(folder)

    def path(self, digest: str) -> Path:
        """Return the path of a blob, whether or not it exists. Raises ValueError for what is not a SHA-256 digest."""
        if not DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is not a SHA-256 digest")
        return self.folder / digest[:2] / digest

    def put(self, data: bytes) -> str:
        """Store bytes; return their SHA-256."""
        return self.put_chunks([data])

    def put_file(self, source: Path) -> str:
        """Store a copy of a file; return its SHA-256."""
        with source.open("rb") as file:
            return self.put_chunks(iter(lambda: file.read(CHUNK_BYTES), b""))

    def put_chunks(self, chunks: Iterable[bytes]) -> str:
        """Store bytes that are given in chunks; return their SHA-256."""
        part = self.incoming / f"{os.getpid()}.{next(self._numbers)}"
        digest = hashlib.sha256()
        try:
            with part.open("xb") as file:
                for chunk in chunks:
                    file.write(chunk)
                    digest.update(chunk)
                file.flush()
                os.fsync(file.fileno())
            self._commit(part, digest.hexdigest())
        finally:
            part.unlink(missing_ok=True)
        return digest.hexdigest()

    def read(self, digest: str) -> bytes:
        """Return all bytes of a blob. Raises FileNotFoundError if it does not exist."""
        return self.path(digest).read_bytes()

    def remove(self, digest: str) -> None:
        """Delete a blob that no row refers to."""
        self.path(digest).unlink(missing_ok=True)

    def delete_incoming_of(self, job: int, process: int) -> None:
        """Delete what the ended process of a job has left in `incoming`."""
        for folder in self.incoming.glob(f"{scratch_prefix(job)}*"):
            shutil.rmtree(folder, ignore_errors=True)
        for part in self.incoming.glob(f"{process}.*"):
            part.unlink(missing_ok=True)

    def delete_incoming(self) -> None:
        """Delete the incomplete files of an earlier process."""
        shutil.rmtree(self.incoming)
        make_private_folder(self.incoming)

    def _commit(self, part: Path, digest: str) -> None:
        """Rename a synced file to its final name.

        The directory is not synced here. The database commits the row that refers to the blob after this and syncs
        its own file, and a journaling file system writes this earlier rename before that.
        """
        final = self.path(digest)
        if final.exists():
            final.touch()  # The new time of modification keeps garbage collection from deleting the file.
            return
        final.parent.mkdir(exist_ok=True)
        part.replace(final)
