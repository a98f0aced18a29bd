"""What jobs made, on disk by its SHA-256. A file under its final name is complete: written aside, synced, renamed."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ei_toolkit.studio.holes import write_all

CHUNK = 1 << 20
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass
class Incoming:
    """A blob that is being written; it has no name yet that anybody could read it under."""

    path: Path
    file: BinaryIO
    hash: hashlib._Hash = field(default_factory=hashlib.sha256)
    size: int = 0

    def write(self, data: bytes) -> None:
        """Append."""
        write_all(self.file.fileno(), data, self.size)
        self.hash.update(data)
        self.size += len(data)

    def sync(self) -> str:
        """Bring everything to disk; returns the SHA-256."""
        if not self.file.closed:
            os.fsync(self.file.fileno())
            self.file.close()
        return self.hash.hexdigest()

    def discard(self) -> None:
        """Forget what was written."""
        self.file.close()
        self.path.unlink(missing_ok=True)


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

    def begin(self) -> Incoming:
        """Start writing a blob."""
        path = self.incoming / f"{os.getpid()}.{next(self._numbers)}"
        return Incoming(path, path.open("xb", buffering=0))

    def place(self, arrived: Iterable[tuple[Incoming, str]]) -> None:
        """Give synced blobs their names.

        The names are on disk once the database has committed the rows that refer to them: its own sync, which comes
        after, makes a journaling file system write these earlier renames too.
        """
        for incoming, digest in arrived:
            final = self.path(digest)
            if final.exists():
                final.touch()  # it is wanted again: young, as the collection of garbage sees it
                incoming.discard()
                continue
            try:
                incoming.path.replace(final)
            except FileNotFoundError:  # the first blob in its folder
                final.parent.mkdir(exist_ok=True)
                incoming.path.replace(final)

    def put(self, data: bytes) -> str:
        """Store bytes; returns their SHA-256."""
        incoming = self.begin()
        incoming.write(data)
        digest = incoming.sync()
        self.place([(incoming, digest)])
        return digest

    def put_file(self, source: Path) -> str:
        """Store a copy of a file; returns its SHA-256."""
        incoming = self.begin()
        with source.open("rb") as file:
            while chunk := file.read(CHUNK):
                incoming.write(chunk)
        digest = incoming.sync()
        self.place([(incoming, digest)])
        return digest

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
