"""Recordings on disk. Those of one request share a file, its pack: making a file costs more than writing 100 kB.

A sample's row says where in which pack its bytes lie. A pack under its final name is complete: written aside, synced,
renamed, and only then are there rows that refer to it.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from ei_toolkit.studio.holes import erase, write_all

NAME = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Place:
    """Where a recording's bytes lie, and their SHA-256. A `size` of -1 means to the end of the file."""

    path: Path
    start: int
    size: int
    sha256: str

    def read(self) -> bytes:
        """The bytes. Raises FileNotFoundError where they are not, or no longer, those that were stored."""
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.start)
            data = file.read(self.size)
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise FileNotFoundError(f"a recording in {self.path}")
        return data

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
        self.pack.write(data)
        self.hash.update(data)
        self.size += len(data)

    def read(self, offset: int = 0, count: int | None = None) -> bytes:
        """Some of the bytes, or all."""
        left = max(0, self.size - offset)
        return self.pack.read(self.start + offset, left if count is None else min(count, left))

    @property
    def place(self) -> Place:
        """Where the bytes are before their pack is placed."""
        return Place(self.pack.path, self.start, self.size, self.hash.hexdigest())


class Pack:
    """The recordings of one request on their way to disk. Nothing is left of them unless the pack is placed."""

    def __init__(self, path: Path) -> None:
        self.path, self.name, self.size = path, path.name, 0
        self._file = path.open("x+b", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)

    def begin(self) -> Stretch:
        """A new recording, behind the others."""
        return Stretch(self, self.size)

    def write(self, data: bytes | memoryview) -> None:
        """Append."""
        write_all(self._file.fileno(), data, self.size)
        self.size += len(data)

    def read(self, start: int, size: int) -> bytes:
        """Bytes that were written."""
        return os.pread(self._file.fileno(), size, start)

    def sync(self) -> None:
        """Bring everything to disk."""
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
        elif path.exists() and (unwanted := list(gaps(wanted, path.stat().st_size))):
            with path.open("r+b", buffering=0) as file:
                for start, size in unwanted:
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
