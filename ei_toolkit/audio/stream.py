"""The parts of a sound file that a decoder reads: byte ranges of the file, with headers written anew where needed."""

from __future__ import annotations

import io
import math
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

ZEROS_BLOCK = 65_536  # bytes that are read at once
TOLERATED_LOSS_S = 0.1  # less sound than this may be missing from a file; more is an error


@dataclass(frozen=True)
class ByteRange:
    """`length` bytes of a file, from `start` on."""

    start: int
    length: int


Part = bytes | ByteRange


Decoder = Literal["soundfile", "mpg123", "miniaudio", "ffmpeg", "acquisition"]


@dataclass(frozen=True)
class Coding:
    """What a FLAC header states of the samples. `md5` is the checksum of all of them; empty where it is not known."""

    rate: int
    channels: int
    bits: int
    md5: bytes = b""


@dataclass(frozen=True)
class Stream:
    """One stream of sound in a file.

    `parts` are what the decoder reads, in order; empty where it reads the file as it is. `frames` is the length in
    samples of one channel, where it was counted. `decoder` "mpg123" is the one within soundfile. `coding` is that of
    FLAC, `format` the name of what needs ffmpeg, `missing` the part of the promised sound that the file lacks.
    """

    parts: tuple[Part, ...] = ()
    frames: int | None = None
    decoder: Decoder = "soundfile"
    coding: Coding | None = None
    format: str = ""
    missing: float = 0.0


@dataclass(frozen=True)
class Damage:
    """What is wrong within a file, `seconds` after its beginning; `lost` is the sound that is missing there."""

    seconds: float
    lost: float
    what: str

    def __str__(self) -> str:
        lost = f"{self.lost:.2f} s of sound are missing" if math.isfinite(self.lost) else "the rest is missing"
        return f"{self.what} at {self.seconds:.2f} s, {lost}"


@dataclass(frozen=True)
class Examined:
    """The streams of a file in the order in which they are played, and what is wrong with it."""

    streams: tuple[Stream, ...]
    damage: tuple[Damage, ...] = ()
    warnings: tuple[str, ...] = ()


class PartsFile(io.RawIOBase):
    """A file that can be read and searched, made of parts of another file and of bytes. It does not close the other."""

    def __init__(self, source: BinaryIO, parts: tuple[Part, ...]) -> None:
        super().__init__()
        self._source = source
        self._parts = parts
        self._starts = [0]
        for part in parts:
            self._starts.append(self._starts[-1] + _length(part))
        self._at = 0
        self._index = 0

    def readable(self) -> bool:
        """True: it is for reading."""
        return True

    def seekable(self) -> bool:
        """True: any position can be read."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._starts[-1]}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer and return the number of bytes read."""
        data = b"".join(self._pieces(len(buffer)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _pieces(self, wanted: int) -> Iterator[bytes]:
        at = self._at
        index = self._part_at(at)
        while wanted > 0 and index < len(self._parts):
            part, offset = self._parts[index], at - self._starts[index]
            count = min(wanted, _length(part) - offset)
            if count:
                piece = self._read(part, offset, count)
                yield piece
                if len(piece) < count:
                    return
                at, wanted = at + count, wanted - count
            index += 1

    def _read(self, part: Part, offset: int, count: int) -> bytes:
        if isinstance(part, bytes):
            return part[offset : offset + count]
        self._source.seek(part.start + offset)
        return self._source.read(count)

    def _part_at(self, at: int) -> int:
        """Index of the part that holds a position; the search begins at the last one, as reading goes on from there."""
        index = self._index if self._starts[self._index] <= at else 0
        while index < len(self._parts) and self._starts[index + 1] <= at:
            index += 1
        self._index = min(index, len(self._parts) - 1) if self._parts else 0
        return index


def _length(part: Part) -> int:
    return len(part) if isinstance(part, bytes) else part.length


def joined(ranges: Iterator[ByteRange]) -> tuple[ByteRange, ...]:
    """The same bytes in as few ranges as possible."""
    out: list[ByteRange] = []
    for one in ranges:
        if out and out[-1].start + out[-1].length == one.start:
            out[-1] = ByteRange(out[-1].start, out[-1].length + one.length)
        else:
            out.append(one)
    return tuple(out)


def without_zeros(data: bytes | mmap.mmap) -> int:
    """Return where the zeros at the end of the data begin."""
    end = len(data)
    while end:
        start = max(end - ZEROS_BLOCK, 0)
        if kept := data[start:end].rstrip(b"\0"):
            return start + len(kept)
        end = start
    return 0
