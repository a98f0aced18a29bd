"""What jobs made and models that were uploaded, on disk by their SHA-256.

A file under its final name is complete: written aside, synced, renamed.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

CHUNK = 1 << 20
DIGEST = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """A folder of blobs: `blobs/ab/abcdef…`, and `incoming/` on the same file system."""

    def __init__(self, data: Path) -> None:
        self.folder = data / "blobs"
        self.incoming = data / "incoming"
        self._numbers = itertools.count()
        for folder in (self.folder, self.incoming):
            folder.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        """Where the blob of a digest is, whether or not it exists."""
        if not DIGEST.fullmatch(digest):
            raise ValueError("not a SHA-256 digest")
        return self.folder / digest[:2] / digest

    def put(self, data: bytes) -> str:
        """Store bytes; returns their SHA-256."""
        return self.put_pieces([data])

    def put_file(self, source: Path) -> str:
        """Store a copy of a file; returns its SHA-256."""
        with source.open("rb") as file:
            return self.put_pieces(iter(lambda: file.read(CHUNK), b""))

    def put_pieces(self, pieces: Iterable[bytes]) -> str:
        """Store bytes that come in pieces; returns their SHA-256."""
        part = self.incoming / f"{os.getpid()}.{next(self._numbers)}"
        digest = hashlib.sha256()
        try:
            with part.open("xb") as file:
                for piece in pieces:
                    file.write(piece)
                    digest.update(piece)
                file.flush()
                os.fsync(file.fileno())
            self._place(part, digest.hexdigest())
        finally:
            part.unlink(missing_ok=True)
        return digest.hexdigest()

    def read(self, digest: str) -> bytes:
        """All bytes of a blob; FileNotFoundError if it is not there."""
        return self.path(digest).read_bytes()

    def remove(self, digest: str) -> None:
        """Delete a blob that nothing refers to any more."""
        self.path(digest).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete what an earlier process left unfinished."""
        shutil.rmtree(self.incoming)
        self.incoming.mkdir()

    def _place(self, part: Path, digest: str) -> None:
        """Give a synced blob its name.

        The name is on disk once the database has committed the row that refers to it: its own sync, which comes
        after, makes a journaling file system write this earlier rename too.
        """
        final = self.path(digest)
        if final.exists():
            final.touch()  # it is wanted again: young, as the collection of garbage sees it
            return
        final.parent.mkdir(exist_ok=True)
        part.replace(final)
