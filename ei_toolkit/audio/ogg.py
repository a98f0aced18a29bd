"""Whether an Ogg file reaches its end: no page promises a length, but the last of a stream is marked (RFC 3533)."""

from __future__ import annotations

from typing import BinaryIO

BEGINS = b"OggS"
HEAD = 27  # bytes of a page before its table of segments, whose length is the last of them
LAST = 0x04  # of the flags
FLAGS = range(0x08)
REACH = 1 << 16  # a page is a little shorter


def lacks_last_page(stream: BinaryIO, size: int) -> bool:
    """Whether an Ogg file of `size` bytes ends within a page, or after one that is not the last of its stream.

    `stream` stands at the start. What is not Ogg, and an Ogg file with no page in its last 64 KiB, counts as whole.
    What follows the last page does not matter. Raises OSError.
    """
    if stream.read(len(BEGINS)) != BEGINS:
        return False
    stream.seek(max(0, size - REACH))
    tail = stream.read(REACH)
    at = tail.rfind(BEGINS)
    while at >= 0:
        if (found := _torn_or_not_last(tail[at:])) is not None:
            return found
        at = tail.rfind(BEGINS, 0, at)
    return False


def _torn_or_not_last(page: bytes) -> bool | None:
    """None where these bytes do not hold the whole head of a page."""
    if len(page) < HEAD or page[4] != 0 or page[5] not in FLAGS or len(page) < HEAD + page[HEAD - 1]:
        return None
    segments = page[HEAD : HEAD + page[HEAD - 1]]
    return len(page) < HEAD + len(segments) + sum(segments) or not page[5] & LAST
