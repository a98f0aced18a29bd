"""Header of a WAV file: enough to know its length and rate. Samples are read in the job process only."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ei_toolkit.studio.http.errors import ApiError

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
Read = Callable[[int, int], bytes]
"""(offset, count) -> that many bytes from there, fewer at the end."""
LARGEST_RATE, LARGEST_CHANNELS, MOST_CHUNKS = 384_000, 32, 1000
SUPPORTED = {(PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (FLOAT, 32), (FLOAT, 64)}


@dataclass(frozen=True)
class WavHeader:
    """Shape of the samples in a WAV file; `offset` is where they start, in bytes."""

    encoding: int
    bits: int
    channels: int
    rate: int
    offset: int
    frames: int


def read_header(read: Read, size: int) -> WavHeader:
    """Read the chunks of a RIFF file of `size` bytes up to its samples; refuses what is not a usable WAV."""
    start = read(0, 12)
    if len(start) < 12 or start[:4] != b"RIFF" or start[8:] != b"WAVE":
        raise ApiError("Not a WAV file")
    form: tuple[int, int, int, int] | None = None
    for name, at, length in _chunks(read):
        if name == b"fmt ":
            form = _read_format(read(at, length) if length <= 4096 else b"")
        elif name == b"data":
            if form is None:
                raise ApiError("The WAV file has no format before its samples")
            return _header(form, at, min(length, size - at), length)
    raise ApiError("The WAV file has no samples")


def _chunks(read: Read) -> Iterator[tuple[bytes, int, int]]:
    """(name, where its content starts, its length as it says itself) of each chunk."""
    at = 12
    for _ in range(MOST_CHUNKS):
        head = read(at, 8)
        if len(head) < 8:
            return
        length = int.from_bytes(head[4:], "little")
        yield head[:4], at + 8, length
        at += 8 + length + length % 2
    raise ApiError(f"The WAV file has more than {MOST_CHUNKS} chunks before its samples")


def _read_format(chunk: bytes) -> tuple[int, int, int, int]:
    if len(chunk) < 16:
        raise ApiError("The WAV file's format chunk is broken")
    encoding, channels, rate, _, _, bits = struct.unpack("<HHIIHH", chunk[:16])
    if encoding == EXTENSIBLE and len(chunk) >= 26:
        encoding = struct.unpack("<H", chunk[24:26])[0]
    if (encoding, bits) not in SUPPORTED:
        raise ApiError(f"WAV encoding {encoding} with {bits} bits is not supported")
    if not 0 < channels <= LARGEST_CHANNELS or not 0 < rate <= LARGEST_RATE:
        raise ApiError(f"A WAV file with {channels} channels at {rate} Hz is not supported")
    return encoding, bits, channels, rate


def _header(form: tuple[int, int, int, int], offset: int, present: int, promised: int) -> WavHeader:
    encoding, bits, channels, rate = form
    if promised != 0xFFFFFFFF and present < promised:  # a stream leaves its length open
        raise ApiError("The WAV file is cut off: it promises more samples than it holds")
    frames = present // (channels * bits // 8)
    if frames <= 0:
        raise ApiError("The WAV file holds no samples")
    return WavHeader(encoding, bits, channels, rate, offset, frames)
