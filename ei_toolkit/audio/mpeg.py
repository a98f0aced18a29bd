"""MPEG audio (MP1, MP2, MP3): the chain of frames, which gives the true length and shows damage.

Frame headers as in ISO/IEC 11172-3 (2.4.1.3) and 13818-3; the Xing/Info frame as encoders write it: the first frame,
silent, with the number of frames. A decoder takes its length from there, and estimates it from the bit rate of the
first frame where it is missing. So a Xing frame with the counted number is put in front of streams that have none.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ei_toolkit.audio.stream import ByteRange, Damage, Examined, Part, Stream, joined

RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by version: MPEG 1, 2, 2.5
BIT_RATES = {  # kbit/s by (MPEG 1 or not, layer); index 0 is a free format, 15 is invalid
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
HEADER = 4
POSSIBLE_HEADER = re.compile(rb"\xff(?=[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x10-\xef])")  # no value that is reserved
DECODER_DELAY = 529
CONFIRMED_BY = 2  # frames that have to follow for a header to be taken for one, after anything else than a frame
LENGTH_BIT_RATE = 9  # index: 128 kbit/s in MPEG 1, 80 in MPEG 2; such a frame is long enough for the header
FRAMES_FLAG, BYTES_FLAG = 1, 2  # of the Xing header: which fields follow
XING_FIELDS = 16  # bytes of its name, flags, number of frames and number of bytes
TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN")  # what may follow the last frame


@dataclass(frozen=True)
class FrameHeader:
    """The header of a frame. `version` as coded: 3 is MPEG 1, 2 is MPEG 2, 0 is MPEG 2.5. `length` in bytes."""

    version: int
    layer: int
    rate: int
    channels: int
    length: int

    @property
    def kind(self) -> tuple[int, int, int]:
        """The fields that are the same in all frames of a stream."""
        return self.version, self.layer, self.rate

    @property
    def samples(self) -> int:
        """Samples of one channel."""
        if self.layer == 1:
            return 384
        return 1152 if self.layer == 2 or self.version == 3 else 576

    @property
    def xing_at(self) -> int:
        """Where the Xing header of a layer III frame begins: behind the side information."""
        mono = self.channels == 1
        return HEADER + ((17 if mono else 32) if self.version == 3 else (9 if mono else 17))


Bytes = bytes | mmap.mmap


def parse_header(data: Bytes, at: int) -> FrameHeader | None:
    """The frame header at a position, or None."""
    head = data[at : at + HEADER]
    if len(head) < HEADER or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bit_rate, rate_index, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bit_rate in (0, 15) or rate_index == 3:
        return None
    rate = RATES[version][rate_index]
    bits = BIT_RATES[version == 3, layer][bit_rate - 1] * 1000
    if layer == 1:
        length = (12 * bits // rate + padding) * 4
    else:
        length = (72 if layer == 3 and version != 3 else 144) * bits // rate + padding
    return FrameHeader(version, layer, rate, 1 if head[3] >> 6 == 3 else 2, length)


def examine_mpeg(data: Bytes) -> Examined | None:
    """The streams of an MPEG audio file; None where there is no chain of frames (a free format has none either)."""
    runs, damage = _runs(data)
    if not runs:
        return None
    if len(runs) == 1 and (missing := _missing(data, runs[0])) > sum(one.lost for one in damage):
        inside = [one for one in damage if one.what == "damaged"]
        damage = [replace(inside[0], lost=missing)] if inside else [Damage(_seconds(runs[0]), missing, "cut short")]
    return Examined(tuple(_stream(data, run) for run in runs), tuple(damage), tuple(_warnings(data, runs[0])))


def _warnings(data: Bytes, run: _Run) -> Iterator[str]:
    """Note what precedes the first frame and is no tag: it may have been sound."""
    start = after_id3(data, 0)
    before = data[start : run.starts[0]]
    if before.strip(b"\0") and not _is_tag(data, start):
        yield f"the first {len(before)} bytes are not sound; read behind them"


def _missing(data: Bytes, run: _Run) -> float:
    """Seconds of sound that the Xing header promises and the file does not hold."""
    info = _xing(data, run) if run.header.layer == 3 else None
    frames = info[2] - (len(run.starts) - 1) if info else 0
    return frames * run.header.samples / run.header.rate


def _seconds(run: _Run) -> float:
    return len(run.starts) * run.header.samples / run.header.rate


@dataclass
class _Run:
    """Frames of one kind, in a row."""

    header: FrameHeader
    starts: list[int]
    lengths: list[int]


def _runs(data: Bytes) -> tuple[list[_Run], list[Damage]]:
    runs: list[_Run] = []
    damage: list[Damage] = []
    seconds, at, end = 0.0, after_id3(data, 0), len(data)
    while at < end:
        header = parse_header(data, at)
        if header and runs and runs[-1].header.kind != header.kind and not _confirmed(data, at, header):
            header = None
        if header and not runs and not _confirmed(data, at, header):
            header = None
        if header is None:
            following = _next_frame(data, at)
            lost = _lost(data, at, following, runs)
            if lost:
                damage.append(Damage(seconds, lost, "damaged"))
                seconds += lost
            if following is None:
                break
            at = following
            continue
        if at + header.length > end:  # the last frame is cut short
            damage.append(Damage(seconds, header.samples / header.rate, "cut short"))
            break
        if not runs or runs[-1].header.kind != header.kind:
            runs.append(_Run(header, [], []))
        runs[-1].starts.append(at)
        runs[-1].lengths.append(header.length)
        seconds += header.samples / header.rate
        at += header.length
    return runs, damage


def after_id3(data: Bytes, at: int) -> int:
    """The position behind ID3v2 tags at a position."""
    while data[at : at + 3] == b"ID3" and len(head := data[at : at + 10]) == 10 and not any(b & 0x80 for b in head[6:]):
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        at += 10 + size + (10 if head[5] & 0x10 else 0)
    return at


def _confirmed(data: Bytes, at: int, header: FrameHeader) -> bool:
    """Whether frames of the same kind follow, or the file ends with this frame."""
    for _ in range(CONFIRMED_BY):
        at += header.length
        following = parse_header(data, at)
        if following is None:
            return at >= len(data) or _is_tag(data, at)
        if following.kind != header.kind:
            return False
        header = following
    return True


def _is_tag(data: Bytes, at: int) -> bool:
    return any(data[at : at + len(name)] == name for name in TAGS)


def _next_frame(data: Bytes, at: int) -> int | None:
    """The next position where a chain of frames begins: an ID3v2 tag or a header that others confirm."""
    if (behind := after_id3(data, at)) > at:
        return behind
    for found in POSSIBLE_HEADER.finditer(data, at + 1):
        header = parse_header(data, found.start())
        if header and _confirmed(data, found.start(), header):
            return found.start()
    return None


def _lost(data: Bytes, start: int, following: int | None, runs: list[_Run]) -> float:
    """Seconds of sound that bytes between frames would have been; none for tags, padding and what precedes a stream."""
    end = len(data) if following is None else following
    if not runs or _is_tag(data, start) or data[start : start + 3] == b"ID3":
        return 0.0
    gap = data[start:end]
    if not gap.strip(b"\0"):
        return 0.0
    run = runs[-1]
    mean = sum(run.lengths) / len(run.lengths)
    return len(gap) / mean * run.header.samples / run.header.rate


def _stream(data: Bytes, run: _Run) -> Stream:
    ranges = joined(ByteRange(start, length) for start, length in zip(run.starts, run.lengths, strict=True))
    frames = len(run.starts)
    parts: tuple[Part, ...] = ranges
    if run.header.layer == 3:
        if (info := _xing(data, run)) is None:
            parts = _length_frames(run.header, frames), *ranges
        else:
            at, flags, _ = info
            frames -= 1
            if flags & FRAMES_FLAG:
                parts = _counted_frame(data, run, at, flags), *_without(ranges, run.lengths[0])
            else:
                parts = _length_frames(run.header, frames), *_without(ranges, run.lengths[0])
    return Stream(parts, frames * run.header.samples, "mpg123")


def _counted_frame(data: Bytes, run: _Run, at: int, flags: int) -> bytes:
    """The Xing frame with the numbers of frames and bytes that were counted; its other fields stay.

    A decoder takes it for sound if its side information is not zero.
    """
    first = bytearray(data[run.starts[0] : run.starts[0] + run.lengths[0]])
    first[HEADER:at] = bytes(at - HEADER)
    struct.pack_into(">I", first, at + 8, len(run.starts) - 1)
    if flags & BYTES_FLAG:
        struct.pack_into(">I", first, at + 12, sum(run.lengths))
    return bytes(first)


def _without(ranges: tuple[ByteRange, ...], count: int) -> Iterator[ByteRange]:
    """The ranges without their first `count` bytes."""
    first = ranges[0]
    if first.length > count:
        yield ByteRange(first.start + count, first.length - count)
    yield from ranges[1:]


def _xing(data: Bytes, run: _Run) -> tuple[int, int, int] | None:
    """Position of the Xing header in the first frame, its flags and its number of frames (0 where it has none)."""
    first = data[run.starts[0] : run.starts[0] + run.lengths[0]]
    at = run.header.xing_at
    if first[at : at + 4] in (b"Xing", b"Info") and len(first) >= at + XING_FIELDS:
        flags, frames = struct.unpack_from(">II", first, at + 4)
        return at, flags, frames if flags & FRAMES_FLAG else 0
    return None


def _length_frames(like: FrameHeader, frames: int) -> bytes:
    """Two silent frames that give the number of frames after them.

    The first holds a Xing header with an encoder's delay. Decoders cut off this delay and their own of 529 samples, in
    all the second frame.
    """
    rate_index = RATES[like.version].index(like.rate)
    head = bytes([0xFF, 0xE0 | like.version << 3 | 1 << 1 | 1, LENGTH_BIT_RATE << 4 | rate_index << 2,
                  0xC0 if like.channels == 1 else 0x00])  # fmt: skip
    parsed = parse_header(head, 0)
    assert parsed is not None
    silent = head.ljust(parsed.length, b"\0")
    xing = b"Xing" + struct.pack(">II", FRAMES_FLAG, frames + 1)
    encoder = b"Lavc58.13".ljust(21, b"\0") + (parsed.samples - DECODER_DELAY << 12).to_bytes(3, "big")
    return (head.ljust(parsed.xing_at, b"\0") + xing + encoder).ljust(parsed.length, b"\0") + silent
