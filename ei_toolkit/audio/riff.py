"""WAV in its variants (RIFF, RIFX, RF64, BW64, W64): where the sound is, also where the header is wrong about it.

libsndfile reads the data chunk that the header describes. A recorder that lost power leaves its size at zero, editors
write two data chunks or two format chunks, and a copy may end early. Then the header is written anew around the bytes
of sound that are there.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ei_toolkit.audio.headers import RIFX, STREAMED, W64, W64_BEGINS, WAV, WIDE_STREAMED, Layout, chunks
from ei_toolkit.audio.stream import ByteRange, Decoder, Examined, Stream
from ei_toolkit.errors import DataError

LARGEST = 0xFFFFFFFF
READ_BY_LIBSNDFILE = {0x01, 0x02, 0x03, 0x06, 0x07, 0x11, 0x31, 0x38, 0x40, 0x55, 0xFFFE}  # encodings of WAV
MP3 = 0x55
UNCODED = (1, 3, 0xFFFE)  # encodings whose samples all have the same number of bytes: integers, floats, either


@dataclass(frozen=True)
class Chunk:
    """A chunk: `name`, where its content begins, the size that its head gives, and the bytes of it that are there."""

    name: bytes
    start: int
    size: int
    there: int

    @property
    def known(self) -> bool:
        """Whether the head gives a size at all."""
        return self.size < STREAMED or LARGEST < self.size < WIDE_STREAMED


def examine_wav(data: mmap.mmap, name: str) -> Examined | None:
    """The sound of a WAV file; None where it is not one, or has no format chunk in front of its sound.

    Raises DataError for a header that contradicts itself.
    """
    order = ">" if data[:4] == b"RIFX" else "<"
    found = list(_chunks(data, order))
    formats = [chunk for chunk in found if chunk.name == b"fmt "]
    sound = [chunk for chunk in found if chunk.name == b"data"]
    if not formats or not sound or formats[0].there < 16:
        return None
    described = data[formats[0].start : formats[0].start + formats[0].there]
    block = max(struct.unpack_from(order + "H", described, 12)[0], 1)
    if problem := _contradiction(order, described):
        raise DataError(f"{name}: the header contradicts itself: {problem}")
    if (encoding := struct.unpack_from(order + "H", described)[0]) not in READ_BY_LIBSNDFILE:
        return Examined((Stream(decoder="ffmpeg", format=f"WAV of the encoding 0x{encoding:04x}"),))
    decoder: Decoder = "mpg123" if encoding == MP3 else "soundfile"
    warnings = list(_warnings(formats, sound, [data[c.start : c.start + c.there] for c in formats]))
    if sound[0].known and sound[0].size and len(sound) == len(formats) == 1:
        return Examined((Stream(decoder=decoder, missing=1.0 - sound[0].there / sound[0].size),))
    ranges = [ByteRange(chunk.start, chunk.there - chunk.there % block) for chunk in sound]
    length = sum(one.length for one in ranges)
    fact_chunks = [chunk for chunk in found if chunk.name == b"fact"][:1]
    head = _head(order, described, [data[c.start : c.start + c.there] for c in fact_chunks], length)
    promised = sum(chunk.size if chunk.known and chunk.size else chunk.there for chunk in sound)
    missing = 1.0 - sum(chunk.there for chunk in sound) / promised if promised else 0.0
    return Examined((Stream((head, *ranges), decoder=decoder, missing=missing),), warnings=tuple(warnings))


def _contradiction(order: str, described: bytes) -> str:
    """What is wrong with a format chunk whose size of a block and bytes a second both disagree with its channels."""
    encoding, channels, rate, bytes_a_second, block, bits = struct.unpack_from(order + "HHIIHH", described)
    right = channels * ((bits + 7) // 8)
    if encoding not in UNCODED or block == right or bytes_a_second == right * rate:
        return ""
    return f"{channels} channels of {bits} bits are not {block} bytes a sample"


def _chunks(data: mmap.mmap, order: str) -> Iterator[Chunk]:
    """The chunks of a file, in order; one whose size is not known reaches to the end."""
    end, long_size = len(data), 0  # the latter is that of the data chunk of RF64
    for name, start, promised in chunks(data, end, _layout(data)):
        size = promised
        if name == b"ds64" and end - start >= 16:
            long_size = struct.unpack_from("<Q", data, start + 8)[0]
        if name == b"data" and size == LARGEST and long_size:
            size = long_size
        chunk = Chunk(name[:4], start, size, max(0, min(size, end - start)))
        if chunk.name == b"data" and (size == 0 or not chunk.known) and not _followed(data, start + size, order):
            yield Chunk(chunk.name, start, size, end - start)
            return
        yield chunk


def _layout(data: mmap.mmap) -> Layout:
    if data[:12] == W64_BEGINS:
        return W64
    return RIFX if data[:4] == b"RIFX" else WAV


def _followed(data: mmap.mmap, at: int, order: str) -> bool:
    """Whether a chunk with a usual name and size, or the end of the file, is at a position."""
    head = data[at : at + 8]
    if len(head) < 8:
        return at >= len(data)
    return head[:4].isalpha() and struct.unpack(order + "I", head[4:])[0] <= len(data) - at - 8


def _warnings(formats: list[Chunk], sound: list[Chunk], described: list[bytes]) -> Iterator[str]:
    if any(not chunk.size for chunk in sound) and any(chunk.there for chunk in sound if not chunk.size):
        yield "the header gives a length of 0; read to the end of the file"
    if len(sound) > 1:
        yield f"{len(sound)} data chunks; read one after the other"
    if len(formats) > 1 and len(set(described)) > 1:
        yield "several format chunks that differ; the first is used"


def _head(order: str, described: bytes, fact_chunks: list[bytes], length: int) -> bytes:
    """A WAV header for `length` bytes of sound, as RF64 where 32 bits do not hold the length."""
    inner = _chunk(order, b"fmt ", described) + b"".join(_chunk(order, b"fact", fact) for fact in fact_chunks)
    if length + len(inner) + 40 > LARGEST:
        wide = struct.pack("<QQQI", length + len(inner) + 60, length, 0, 0)
        return b"RF64\xff\xff\xff\xffWAVE" + _chunk("<", b"ds64", wide) + inner + b"data\xff\xff\xff\xff"
    name = b"RIFX" if order == ">" else b"RIFF"
    sizes = struct.pack(order + "I", 4 + len(inner) + 8 + length), struct.pack(order + "I", length)
    return name + sizes[0] + b"WAVE" + inner + b"data" + sizes[1]


def _chunk(order: str, name: bytes, content: bytes) -> bytes:
    return name + struct.pack(order + "I", len(content)) + content + b"\0" * (len(content) % 2)
