"""The length that the header of a sound file gives, to detect a file that was cut short.

libsndfile and ffmpeg silently shorten a file in most formats to what is there, so the header is read here.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

STREAMED = 0x7EFF0000  # sizes from here on are written by programs that could not know the length; SoX has the smallest
WIDE_STREAMED = 1 << 62  # the same for sizes of 64 bits
MOST_CHUNKS = 10_000  # a file of nothing but empty chunks is not read to its end


@dataclass(frozen=True)
class Layout:
    """How a container writes its chunks: `head` unpacks a name and a size in bytes, `sound` is the one that counts.

    The first lies at `first`. The size counts `counted` bytes of the head too; a chunk is filled up to a multiple of
    `align` bytes; a size from `streamed` on was not known.
    """

    head: str
    sound: bytes
    first: int = 12
    counted: int = 0
    align: int = 2
    streamed: int = STREAMED


WAV = Layout("<4sI", b"data")
RIFX = Layout(">4sI", b"data")
AIFF = Layout(">4sI", b"SSND")
SVX = Layout(">4sI", b"BODY")
LAYOUTS = {  # by the first and the third four bytes of a file
    (b"RIFF", b"WAVE"): WAV,
    (b"RIFX", b"WAVE"): RIFX,
    (b"FORM", b"AIFF"): AIFF,
    (b"FORM", b"AIFC"): AIFF,
    (b"FORM", b"8SVX"): SVX,
    (b"FORM", b"16SV"): SVX,
}
W64_BEGINS = bytes.fromhex("726966662e91cf11a5d628db")
W64_DATA = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")
W64 = Layout("<16sQ", W64_DATA, first=40, counted=24, align=8, streamed=WIDE_STREAMED)
CAF = Layout(">4sQ", b"data", first=8, align=1, streamed=WIDE_STREAMED)
AU_ORDER = {b".snd": ">II", b"dns.": "<II"}

Source = BinaryIO | mmap.mmap
Promise = tuple[int, int] | None  # offset and size in bytes of the sound; None where the header gives none


def chunks(stream: Source, size: int, layout: Layout) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and size of each chunk of a file of `size` bytes, up to one that is larger than the file."""
    head, at = struct.Struct(layout.head), layout.first
    for _ in range(MOST_CHUNKS):
        if at + head.size > size:
            return
        stream.seek(at)
        name, promised = head.unpack(stream.read(head.size))
        promised -= layout.counted
        at += head.size
        yield name, at, promised
        if not 0 <= promised <= size:
            return
        at += promised + -promised % layout.align


def missing_part(stream: Source, size: int) -> float:
    """The part of the promised sound that the file lacks: 0.0 for a whole file, 0.25 for one short by a quarter.

    `stream` is at the start of a file of `size` bytes: WAV, RF64, W64, AU, AIFF, CAF, SVX or MP4. Every other format
    counts as whole here: `flac`, `mpeg` and `ogg` check theirs, and nothing can check raw AAC, WMA and the rest of what
    libsndfile reads (NIST, VOC, PAF, AVR, MAT, PVF). Raises OSError.
    """
    found = _promised(stream, size)
    if found is None:
        return 0.0
    start, promised = found
    there = size - start
    return 1.0 - max(there, 0) / promised if there < promised else 0.0


def unpromised_bytes(stream: Source, size: int) -> int:
    """Bytes behind the sound of an AU file, where no chunk can stand: sound that the header does not count.

    0 for every other format. `stream` is at the start of a file of `size` bytes.
    """
    head = stream.read(12)
    if head[:4] not in AU_ORDER or len(head) < 12:
        return 0
    start, promised = struct.unpack(AU_ORDER[head[:4]], head[4:])
    return max(0, size - start - promised) if _known_size(start, promised, STREAMED) else 0


def _promised(stream: Source, size: int) -> Promise:
    head = stream.read(12)
    if head[:4] in AU_ORDER and len(head) == 12:
        start, promised = struct.unpack(AU_ORDER[head[:4]], head[4:])
        return _known_size(start, promised, STREAMED)
    if head[4:8] == b"ftyp":
        return _mp4_data(stream, size)
    if head[:4] in (b"RF64", b"BW64") and head[8:] == b"WAVE":
        return _rf64_data(stream, size)
    layout = _layout(head)
    return _sound_chunk(stream, size, layout) if layout else None


def _layout(head: bytes) -> Layout | None:
    if head == W64_BEGINS:
        return W64
    return CAF if head.startswith(b"caff") else LAYOUTS.get((head[:4], head[8:]))


def _known_size(start: int, promised: int, streamed: int) -> Promise:
    return (start, promised) if 0 < promised < streamed else None


def _sound_chunk(stream: Source, size: int, layout: Layout) -> Promise:
    """The chunk that holds the sound."""
    found = (chunk for chunk in chunks(stream, size, layout) if chunk[0] == layout.sound)
    _, start, promised = next(found, (b"", 0, 0))
    return _known_size(start, promised, layout.streamed)


def _rf64_data(stream: Source, size: int) -> Promise:
    """As in WAV, but all ones stand for the size of 64 bits in the chunk ds64, which comes first."""
    wide = stream.read(24)
    found = _sound_chunk(stream, size, Layout(WAV.head, WAV.sound, streamed=1 << 32))
    if found and found[1] == 0xFFFFFFFF:
        known = len(wide) == 24 and wide.startswith(b"ds64")
        return _known_size(found[0], struct.unpack_from("<Q", wide, 16)[0], WIDE_STREAMED) if known else None
    return found


def _mp4_data(stream: Source, size: int) -> Promise:
    """The first box `mdat`; a size of 1 means that 64 bits follow, 0 that the box reaches to the end of the file."""
    start = 0
    for _ in range(MOST_CHUNKS):
        stream.seek(start)
        if len(head := stream.read(16)) < 16:
            return None
        length, name, wide = struct.unpack(">I4sQ", head)
        counted, length = (16, wide) if length == 1 else (8, length)
        if name == b"mdat":
            return _known_size(start + counted, length - counted, WIDE_STREAMED)
        if not counted <= length <= size:
            return None
        start += length
    return None
