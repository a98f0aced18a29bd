"""Erasing part of a file: a hole, which takes no room, where the system can make one; zeros elsewhere."""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self

KEEP_SIZE, PUNCH_HOLE = 1, 2  # linux/falloc.h
CHUNK = 1 << 20


def erase(descriptor: int, start: int, size: int) -> None:
    """Make `size` bytes from `start` on read as zeros; those that do already cost nothing. They lie within the file."""
    if not _punch(descriptor, start, size):
        for at in range(start, start + size, CHUNK):
            zeros = bytes(min(CHUNK, start + size - at))
            if os.pread(descriptor, len(zeros), at) != zeros:
                write_all(descriptor, zeros, at)


def write_all(descriptor: int, data: bytes | memoryview, at: int) -> None:
    """Write at a place; a full disk, which cuts a write short, is an OSError."""
    rest = memoryview(data)
    while len(rest):
        written = os.pwrite(descriptor, rest, at)
        rest, at = rest[written:], at + written


def _punch(descriptor: int, start: int, size: int) -> bool:
    fallocate = _fallocate()
    wanted = ctypes.c_int(KEEP_SIZE | PUNCH_HOLE), ctypes.c_int64(start), ctypes.c_int64(size)
    return fallocate is not None and fallocate(ctypes.c_int(descriptor), *wanted) == 0


@cache
def _fallocate() -> Callable[..., Any] | None:
    """Linux's call with 64-bit offsets; None where the C library has none."""
    library = ctypes.CDLL(None)
    name = "fallocate" if ctypes.sizeof(ctypes.c_long) == 8 else "fallocate64"
    found: Callable[..., Any] | None = getattr(library, name, None)
    return found


NAME = re.compile(r"[0-9a-f]{16}")
PIECE = 1 << 20


@dataclass(frozen=True)
class Place:
    """Where a recording's bytes lie, and their SHA-256. A `size` of -1 means to the end of the file."""

    path: Path
    start: int
    size: int
    sha256: str

    @property
    def length(self) -> int:
        """Number of bytes."""
        return self.path.stat().st_size - self.start if self.size < 0 else self.size

    def read(self) -> bytes:
        """The bytes. Raises FileNotFoundError where they are not, or no longer, those that were stored."""
        data = b"".join(self._pieces())
        self._check(hashlib.sha256(data))
        return data

    def checked_pieces(self) -> Iterator[bytes]:
        """The bytes a piece at a time, for whom they are too many at once; checked before. Raises as `read` does."""
        digest = hashlib.sha256()
        for piece in self._pieces():
            digest.update(piece)
        self._check(digest)
        return self._pieces()

    def _check(self, digest: hashlib._Hash) -> None:
        if digest.hexdigest() != self.sha256:
            raise FileNotFoundError(f"a recording in {self.path}")

    def _pieces(self) -> Iterator[bytes]:
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.start)
            left = self.length
            while left > 0 and (piece := file.read(min(PIECE, left))):
                yield piece
                left -= len(piece)

    def plain(self) -> dict[str, Any]:
        """As JSON, for another process."""
        return {**asdict(self), "path": str(self.path)}

    @staticmethod
    def parse(values: Mapping[str, Any]) -> Place:
        """The place that `plain` wrote; there may be more among the values."""
        return Place(Path(values["path"]), values["start"], values["size"], values["sha256"])


@dataclass
class Stretch:
    """A run of bytes in a pack that is being written; the one that was begun last may grow."""

    pack: Pack
    start: int
    size: int = 0
    hash: hashlib._Hash = field(default_factory=hashlib.sha256)

    def write(self, data: bytes | memoryview) -> None:
        """Append."""
        assert self.start + self.size == self.pack.size, "another stretch was begun"
        self.pack.write(data)
        self.hash.update(data)
        self.size += len(data)

    def read(self, offset: int = 0, count: int | None = None) -> bytes:
        """Some of the bytes, or all."""
        left = max(0, self.size - offset)
        return self.pack.read(self.start + offset, left if count is None else min(count, left))

    def pieces(self) -> Iterator[bytes]:
        """All bytes, a piece at a time."""
        return (self.read(offset, PIECE) for offset in range(0, self.size, PIECE))

    @property
    def place(self) -> Place:
        """Where the bytes are before their pack is placed."""
        return Place(self.pack.path, self.start, self.size, self.hash.hexdigest())


class Pack:
    """The recordings of one request on their way to disk. Nothing is left of them unless the pack is placed.

    A server that stops leaves a pack while a thread may still write: its descriptor must not be another file's by then.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.name, self.size = path, path.name, 0
        self._file, self._lock = path.open("x+b", buffering=0), threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._file.close()
        self.path.unlink(missing_ok=True)

    def begin(self) -> Stretch:
        """A new recording, behind the others."""
        return Stretch(self, self.size)

    def write(self, data: bytes | memoryview) -> None:
        """Append."""
        with self._lock:
            write_all(self._file.fileno(), data, self.size)
        self.size += len(data)

    def read(self, start: int, size: int) -> bytes:
        """Bytes that were written."""
        with self._lock:
            return os.pread(self._file.fileno(), size, start)

    def sync(self) -> None:
        """Bring everything to disk."""
        with self._lock:
            os.fsync(self._file.fileno())


class Packs:
    """A folder of packs, and one on the same file system for those that are being written."""

    def __init__(self, folder: Path, incoming: Path) -> None:
        self.folder, self.incoming = folder, incoming
        folder.mkdir(parents=True, exist_ok=True)

    def begin(self) -> Pack:
        """Start writing a pack."""
        return Pack(self.incoming / secrets.token_hex(8))

    def place(self, pack: Pack) -> None:
        """Give a synced pack its name; on disk with the rows that refer to it, as in `Blobs`."""
        pack.path.replace(self.path(pack.name))

    def path(self, name: str) -> Path:
        """Where the pack of a name is, whether or not it exists."""
        if not NAME.fullmatch(name):
            raise ValueError("not the name of a pack")
        return self.folder / name

    def trim(self, name: str, live: Iterable[tuple[int, int]]) -> None:
        """Erase what is not in one of the `live` (start, size); the whole file if there are none."""
        path, wanted = self.path(name), sorted(live)
        if not wanted:
            path.unlink(missing_ok=True)
            return
        with suppress(FileNotFoundError), path.open("r+b", buffering=0) as file:  # its last sample may be gone by now
            for start, size in gaps(wanted, os.fstat(file.fileno()).st_size):
                erase(file.fileno(), start, size)


def gaps(stretches: Iterable[tuple[int, int]], end: int) -> Iterator[tuple[int, int]]:
    """(start, size) of what lies between sorted stretches, and behind them up to `end`."""
    at = 0
    for start, size in stretches:
        if start > at:
            yield at, start - at
        at = max(at, start + size)
    if end > at:
        yield at, end - at
