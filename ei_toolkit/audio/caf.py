"""Apple Lossless (ALAC) in the Core Audio Format: where packets begin, which is all that shows damage.

ALAC has no checksums. The first 19 bits of a packet are the same in every packet of a file (kind of element, reserved
bits), so damage that covers the beginning of a packet is found, and so is anything that moves packets. Damage between
two beginnings is not: the decoder returns wrong samples for at most one packet (4096 samples) and no error.
"""

from __future__ import annotations

import io
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ei_toolkit.audio.headers import CAF, chunks
from ei_toolkit.audio.stream import Damage, Examined, Stream

DESCRIPTION = struct.Struct(">d4sIIII")  # rate, format, flags, bytes a packet, samples a packet, channels
PACKETS = struct.Struct(">qqii")  # packets, valid samples, priming samples, remaining samples
CODING = 28  # where a file names its coding, because the description is its first chunk
READ_BY_LIBSNDFILE = (b"lpcm", b"ulaw", b"alaw", b"alac")
EDIT_COUNT = 4  # bytes in front of the packets
HEAD = 8  # bytes of a packet that are looked at
RESERVED = 0x1FFFE0  # bits of the first three bytes: instance tag and unused, always 0
ELEMENT = 0xE00000  # bits of the first three bytes: one or two channels, the same in all packets


@dataclass(frozen=True)
class _Packets:
    """Rate in Hz, samples a packet, and the position and length in bytes of each packet."""

    rate: float
    samples: int
    places: tuple[tuple[int, int], ...]


def examine_caf(data: mmap.mmap) -> Examined | None:
    """Find damage in a CAF file of ALAC; None for what libsndfile reads otherwise, whose length `headers` checks."""
    coding = data[CODING : CODING + 4]
    if data[8:12] == b"desc" and coding not in READ_BY_LIBSNDFILE:
        return Examined((Stream(decoder="ffmpeg", format=f"CAF of the coding {coding.decode('latin-1').strip()!r}"),))
    found = _packets(data)
    if found is None:
        return None
    seconds = found.samples / found.rate
    damage = []
    for number, (at, length) in enumerate(found.places):
        if at + length > len(data):
            damage.append(Damage(number * seconds, (len(found.places) - number) * seconds, "cut short"))
            break
        if not _is_packet(data[at : at + HEAD], like=data[found.places[0][0] : found.places[0][0] + 3]):
            damage.append(Damage(number * seconds, seconds, "damaged"))
    return Examined((Stream(),), tuple(damage))


def _is_packet(head: bytes, like: bytes) -> bool:
    """Whether a packet begins with these bytes; eight zeros do not, because a predictor never has the shift 0."""
    bits, first = int.from_bytes(head[:3], "big"), int.from_bytes(like, "big")
    return any(head) and not bits & RESERVED and bits & ELEMENT == first & ELEMENT


def _packets(data: mmap.mmap) -> _Packets | None:
    found = {name: (at, size) for name, at, size in chunks(data, len(data), CAF)}
    if not {b"desc", b"pakt", b"data"} <= found.keys():
        return None
    described = data[found[b"desc"][0] : found[b"desc"][0] + DESCRIPTION.size]
    at, size = found[b"pakt"]
    table = data[at : at + size]
    if len(described) < DESCRIPTION.size or len(table) < PACKETS.size:
        return None
    rate, form, _, _, samples, _ = DESCRIPTION.unpack(described)
    if form != b"alac" or not 0 < rate < 1e6 or not samples:
        return None
    count = PACKETS.unpack_from(table)[0]
    start = found[b"data"][0] + EDIT_COUNT
    places = []
    for length, _ in zip(_numbers(io.BytesIO(table[PACKETS.size :])), range(max(count, 0)), strict=False):
        places.append((start, length))
        start += length
    return _Packets(rate, samples, tuple(places))


def _numbers(table: io.BytesIO) -> Iterator[int]:
    """Yield the numbers of a table, seven bits a byte, the highest first; the last byte of each is below 128."""
    number = 0
    while byte := table.read(1):
        number = number << 7 | byte[0] & 0x7F
        if byte[0] < 0x80:
            yield number
            number = 0
