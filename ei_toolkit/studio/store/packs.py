"""Packs: one file holds the recordings of one upload request, and each recording is a byte range of it.

The byte range of a deleted recording is erased. Where the operating system supports sparse files the erased range
occupies no disk space; elsewhere zeros are written.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from ei_toolkit.studio.store.blobs import CHUNK_BYTES, make_private_folder, rest_of
from ei_toolkit.system import read_at, release_range, write_at

PACK_NAME = re.compile(r"[0-9a-f]{16}")
LARGEST_IN_MEMORY = 4 * CHUNK_BYTES  # of the copy of a recording that is being sent
TO_END = -1
"""The size of a byte range that extends to the end of its file."""


@dataclass(frozen=True)
class ByteRange:
    """The part of a file that holds one recording, and the SHA-256 of the recording. `size` may be `TO_END`."""

    path: Path
    start: int
    size: int
    sha256: str

    @property
    def length(self) -> int:
        """Number of bytes."""
        return self.path.stat().st_size - self.start if self.size == TO_END else self.size

    def read(self) -> bytes:
        """Return the bytes. Raises FileNotFoundError if the file is missing or its content differs from the hash."""
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.start)
            data = file.read(self.length)
        self._check(hashlib.sha256(data))
        return data

    def checked_chunks(self, scratch: Path) -> Iterator[bytes]:
        """Return the bytes in chunks, for long recordings. The hash is checked first; raises as `read` does.

        They are read from a copy, which is a file in `scratch` if it is large: the recording may be deleted, and its
        bytes erased, while they are sent.
        """
        digest = hashlib.sha256()
        copy = tempfile.SpooledTemporaryFile(LARGEST_IN_MEMORY, dir=str(scratch))  # noqa: SIM115 - rest_of closes it
        try:
            for chunk in self._chunks():
                digest.update(chunk)
                copy.write(chunk)
            self._check(digest)
        except BaseException:  # KeyboardInterrupt, too: nobody else closes the copy yet
            copy.close()
            raise
        copy.seek(0)
        return rest_of(copy)

    def to_json(self) -> dict[str, Any]:
        """Return the byte range as a JSON object, for another process."""
        return {**asdict(self), "path": str(self.path)}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> ByteRange:
        """Return the byte range that `to_json` described; other keys are ignored."""
        return ByteRange(Path(values["path"]), values["start"], values["size"], values["sha256"])

    def _check(self, digest: hashlib._Hash) -> None:
        if digest.hexdigest() != self.sha256:
            raise FileNotFoundError(f"a recording in {self.path}")

    def _chunks(self) -> Iterator[bytes]:
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.start)
            left = self.length
            while left > 0 and (chunk := file.read(min(CHUNK_BYTES, left))):
                yield chunk
                left -= len(chunk)


@dataclass
class PackEntry:
    """One recording in a pack that is being written. Only the entry that was begun last can grow."""

    pack: Pack
    start: int
    size: int = 0
    hash: hashlib._Hash = field(default_factory=hashlib.sha256)

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        assert self.start + self.size == self.pack.size, "another entry of this pack was begun"
        self.pack.write(data)
        self.hash.update(data)
        self.size += len(data)

    def read(self, offset: int = 0, count: int | None = None) -> bytes:
        """Return `count` bytes from `offset` on, or all bytes from there on."""
        left = max(0, self.size - offset)
        return self.pack.read(self.start + offset, left if count is None else min(count, left))

    def chunks(self) -> Iterator[bytes]:
        """Return all bytes in chunks."""
        return (self.read(offset, CHUNK_BYTES) for offset in range(0, self.size, CHUNK_BYTES))

    @property
    def byte_range(self) -> ByteRange:
        """The byte range of this entry in the pack as long as the pack is not committed."""
        return ByteRange(self.pack.path, self.start, self.size, self.hash.hexdigest())


class Pack:
    """A pack that is being written. The file is deleted on exit unless the pack was committed.

    A server that stops may close a pack while a thread still writes to it. The lock makes such a write fail; without
    it the write could reach another file that has been given the same descriptor number.
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

    def begin(self) -> PackEntry:
        """Begin a recording after the last one."""
        return PackEntry(self, self.size)

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        with self._lock:
            write_all(self._file.fileno(), data, self.size)
        self.size += len(data)

    def read(self, start: int, size: int) -> bytes:
        """Return bytes that were written before."""
        with self._lock:
            return read_at(self._file.fileno(), size, start)

    def sync(self) -> None:
        """Write everything to disk."""
        with self._lock:
            os.fsync(self._file.fileno())


class Packs:
    """The folder of committed packs, and a folder on the same file system for packs that are being written."""

    def __init__(self, folder: Path, incoming: Path) -> None:
        self.folder, self.incoming = folder, incoming
        make_private_folder(folder)

    def begin(self) -> Pack:
        """Create a pack to write to."""
        return Pack(self.incoming / secrets.token_hex(8))

    def commit(self, pack: Pack) -> None:
        """Move a synced pack to its final path. The commit of the rows that refer to it syncs the rename, too."""
        pack.path.replace(self.path(pack.name))

    def path(self, name: str) -> Path:
        """Return the path of a pack, whether or not it exists. Raises ValueError for a name that no pack can have."""
        if not PACK_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a pack")
        return self.folder / name

    def erase_unreferenced(self, name: str, referenced: Iterable[tuple[int, int]]) -> None:
        """Erase what is in none of the `referenced` byte ranges (start, size); delete the file if there are none."""
        path, ranges = self.path(name), sorted(referenced)
        if not ranges:
            path.unlink(missing_ok=True)
            return
        # The file may be missing: another request may have deleted the pack's last sample in the meantime.
        with suppress(FileNotFoundError), path.open("r+b", buffering=0) as file:
            for start, size in gaps(ranges, os.fstat(file.fileno()).st_size):
                erase(file.fileno(), start, size)


def gaps(ranges: Iterable[tuple[int, int]], end: int) -> Iterator[tuple[int, int]]:
    """Yield (start, size) of what lies before, between and after sorted byte ranges, up to `end`."""
    at = 0
    for start, size in ranges:
        if start > at:
            yield at, start - at
        at = max(at, start + size)
    if end > at:
        yield at, end - at


def erase(descriptor: int, start: int, size: int) -> None:
    """Make a byte range within a file read as zeros. Bytes that are zero already are not written again."""
    if release_range(descriptor, start, size):
        return
    for at in range(start, start + size, CHUNK_BYTES):
        zeros = bytes(min(CHUNK_BYTES, start + size - at))
        if read_at(descriptor, len(zeros), at) != zeros:
            write_all(descriptor, zeros, at)


def write_all(descriptor: int, data: bytes | memoryview, at: int) -> None:
    """Write all bytes at an offset, in several writes if one is incomplete. Raises OSError, as for a full disk."""
    rest = memoryview(data)
    while len(rest):
        written = write_at(descriptor, rest, at)
        rest, at = rest[written:], at + written
