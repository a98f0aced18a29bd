"""The header of a WAV file: length and rate. Samples are read in job processes only."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ei_toolkit.studio.http.errors import ApiError

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
Read = Callable[[int, int], bytes]
"""(offset, count) -> `count` bytes from `offset`, fewer at the end."""
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
    """Read the chunks of a RIFF file of `size` bytes up to its samples. Raises ApiError for an unsupported file."""
    start = read(0, 12)
    if len(start) < 12 or start[:4] != b"RIFF" or start[8:] != b"WAVE":
        raise ApiError("The file is not a WAV file")
    form: tuple[int, int, int, int] | None = None
    for name, at, length in _chunks(read):
        if name == b"fmt ":
            form = _read_format(read(at, length) if length <= 4096 else b"")
        elif name == b"data":
            if form is None:
                raise ApiError("The WAV file has no format chunk before its samples")
            return _header(form, at, min(length, size - at), length)
    raise ApiError("The WAV file has no samples")


def _chunks(read: Read) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, offset of the content and stated length of each chunk."""
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
        raise ApiError(f"The format chunk of the WAV file has {len(chunk)} bytes: 16 to 4096 are accepted")
    encoding, channels, rate, _, _, bits = struct.unpack("<HHIIHH", chunk[:16])
    if encoding == EXTENSIBLE and len(chunk) >= 26:
        encoding = struct.unpack("<H", chunk[24:26])[0]
    if (encoding, bits) not in SUPPORTED:
        raise ApiError(
            f"WAV encoding {encoding} with {bits} bits is not supported: PCM with 8, 16, 24 or 32 bits and float"
            " with 32 or 64 bits are"
        )
    if not 0 < channels <= LARGEST_CHANNELS or not 0 < rate <= LARGEST_RATE:
        raise ApiError(
            f"A WAV file with {channels} channels at {rate} Hz is not supported: 1 to {LARGEST_CHANNELS} channels and"
            f" 1 to {LARGEST_RATE} Hz are"
        )
    return encoding, bits, channels, rate


def _header(form: tuple[int, int, int, int], offset: int, present: int, stated: int) -> WavHeader:
    encoding, bits, channels, rate = form
    if stated != 0xFFFFFFFF and present < stated:  # the length of a stream is unknown
        raise ApiError(f"The WAV file is truncated: it has {present} of {stated} bytes of samples")
    frames = present // (channels * bits // 8)
    if frames <= 0:
        raise ApiError("The WAV file has no samples")
    return WavHeader(encoding, bits, channels, rate, offset, frames)
