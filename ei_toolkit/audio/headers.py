"""What a sound file's header promises, to tell a file that was cut short from one that is whole.

libsndfile silently shortens a WAV or AU file to what is there, so the promise is read here.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

STREAMED = 0x7FFFF000  # sizes from here on are written by programs that could not know the length


def missing_part(stream: BinaryIO, size: int) -> float:
    """The part of the promised sound that the file lacks: 0.0 for a whole file, 0.25 for one short by a quarter.

    `stream` stands at the start of a file of `size` bytes. Files in formats other than WAV and AU count as whole here;
    their decoders notice. Raises OSError.
    """
    found = _promised(stream)
    if found is None:
        return 0.0
    start, promised = found
    there = size - start
    return 1.0 - max(there, 0) / promised if there < promised else 0.0


def _promised(stream: BinaryIO) -> tuple[int, int] | None:
    """Offset and size in bytes of the sound, or None where the header does not tell."""
    head = stream.read(12)
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        return _wav_data(stream)
    if head[:4] == b".snd" and len(head) == 12:
        offset, size = struct.unpack(">II", head[4:])
        return (offset, size) if 0 < size < STREAMED else None
    return None


def _wav_data(stream: BinaryIO) -> tuple[int, int] | None:
    while len(chunk := stream.read(8)) == 8:
        name, size = chunk[:4], int(struct.unpack("<I", chunk[4:])[0])
        if name == b"data":
            return (stream.tell(), size) if 0 < size < STREAMED else None
        stream.seek(size + size % 2, 1)
    return None
