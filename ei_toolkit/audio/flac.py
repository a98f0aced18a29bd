"""FLAC: the chain of frames, which shows damage, further streams and the true length. Format as in RFC 9639."""

from __future__ import annotations

import math
import mmap
import re
from dataclasses import dataclass, replace

from fastcrc import crc8, crc16

from ei_toolkit.audio.mpeg import after_id3
from ei_toolkit.audio.stream import ByteRange, Coding, Damage, Decoder, Examined, Stream, joined, without_zeros

MARK = b"fLaC"
STREAMINFO_LENGTH = 34
READ_BITS = (8, 16, 24)  # bits a sample that libsndfile decodes
LONGEST_HEADER = 16
TRAILING_TAG = b"TAG"
CODES = bytes(high << 4 | low for high in range(1, 16) for low in range(15))  # of a block size and a sample rate
POSSIBLE_HEADER = re.compile(b"\xff(?=[\xf8\xf9][" + re.escape(CODES) + b"])")
"""What may be the beginning of a frame: no value that is reserved."""

MOST_WASTED = 16
"""Bytes that are read at most, for each byte of a file, for frames whose checksum is wrong.

A damaged file needs a few. A crafted file can need thousands: headers with the right checksum and no frame behind them.
"""
HEADER_COST = 200  # of reading a header, in bytes
MOST_ENDS = 4  # following headers that a frame may end at; by chance, a frame contains hardly ever one

Bytes = bytes | mmap.mmap


@dataclass(frozen=True)
class StreamInfo:
    """The metadata block STREAMINFO: `raw` as it stands in the file, `total` samples of a channel (0: unknown)."""

    raw: bytes
    rate: int
    channels: int
    bits: int
    total: int
    largest_frame: int

    @classmethod
    def parse(cls, raw: bytes) -> StreamInfo:
        """Read the 34 bytes of the block."""
        packed = int.from_bytes(raw[10:18], "big")
        return cls(
            raw,
            rate=packed >> 44,
            channels=(packed >> 41 & 7) + 1,
            bits=(packed >> 36 & 31) + 1,
            total=packed & (1 << 36) - 1,
            largest_frame=int.from_bytes(raw[7:10], "big"),
        )

    def coding(self, *, checked: bool) -> Coding:
        """How the samples are coded, with their checksum where it is known and is to be `checked`."""
        md5 = self.raw[18:34]
        return Coding(self.rate, self.channels, self.bits, md5 if checked and any(md5) else b"")

    @property
    def decoder(self) -> Decoder:
        """The decoder that reads this number of bits."""
        return "soundfile" if self.bits in READ_BITS else "miniaudio"

    def without_total(self) -> bytes:
        """The beginning of a stream whose length is unknown: mark and STREAMINFO as the only block."""
        raw = bytearray(self.raw)
        raw[13] &= 0xF0
        raw[14:18] = bytes(4)
        raw[18:34] = bytes(16)
        return MARK + bytes([0x80]) + STREAMINFO_LENGTH.to_bytes(3, "big") + bytes(raw)


@dataclass(frozen=True)
class Frame:
    """A frame whose checksums are right; `samples` are those of one channel, `first` the number of its first one."""

    start: int
    length: int
    samples: int
    first: int


@dataclass
class _Allowance:
    """Bytes that may still be read for frames whose checksum is wrong."""

    left: int


@dataclass
class _Seen:
    """The length of all frames that were read."""

    samples: int = 0
    length: int = 0

    def add(self, frame: Frame) -> None:
        """Count a frame."""
        self.samples += frame.samples
        self.length += frame.length

    def samples_in(self, length: int) -> int:
        """Samples that `length` bytes hold on average."""
        return length * self.samples // max(1, self.length)


def examine_flac(data: Bytes) -> Examined | None:
    """The streams of a FLAC file; None where it is not one."""
    at = after_id3(data, 0)
    streams: list[Stream] = []
    damage: list[Damage] = []
    seconds, whole = 0.0, False
    allowance = _Allowance(MOST_WASTED * len(data) + 16 * HEADER_COST)
    while data[at : at + 4] == MARK:
        found = _metadata(data, at)
        if found is None:
            return None
        info, at = found
        frames, at, broken = _frames(data, at, info, allowance)
        counted = sum(frame.samples for frame in frames)
        damage += [Damage(seconds + one.seconds, one.lost, one.what) for one in broken]
        seconds += counted / info.rate
        if not broken and info.total > counted:
            damage.append(Damage(seconds, (info.total - counted) / info.rate, "cut short"))
        ranges = joined(ByteRange(frame.start, frame.length) for frame in frames)
        whole = not broken and info.total == counted
        streams.append(Stream((info.without_total(), *ranges), counted, info.decoder, info.coding(checked=whole)))
    if not streams:
        return None
    if len(streams) == 1 and whole and streams[0].decoder == "soundfile":
        return Examined((replace(streams[0], parts=(), frames=None),))
    return Examined(tuple(streams), tuple(damage))


def _metadata(data: Bytes, at: int) -> tuple[StreamInfo, int] | None:
    """The STREAMINFO of the stream that begins at a position, and where its frames begin."""
    at += len(MARK)
    info = None
    while len(head := data[at : at + 4]) == 4:
        kind, length = head[0] & 0x7F, int.from_bytes(head[1:], "big")
        if info is None:
            if kind != 0 or length != STREAMINFO_LENGTH or len(raw := data[at + 4 : at + 4 + length]) < length:
                return None
            info = StreamInfo.parse(raw)
            if not info.rate:
                return None
        at += 4 + length
        if head[0] & 0x80:
            return info, at
    return None


def _frames(data: Bytes, at: int, info: StreamInfo, allowance: _Allowance) -> tuple[list[Frame], int, list[Damage]]:
    """The sound frames from a position on, where they end, and what is damaged between them."""
    frames: list[Frame] = []
    damage: list[Damage] = []
    end, sound_end, stop = len(data), without_zeros(data), data.find(MARK, at)
    seen = _Seen()
    position = offset = 0  # the next sample, and the number that the first one has: not 0 in a part of a longer stream
    while at < end and data[at : at + 4] != MARK:
        frame = _frame(data, at, info, allowance)
        if frame is None:
            if data[at : at + 3] == TRAILING_TAG or at >= sound_end:
                return frames, end, damage
            if 0 <= stop < at:
                stop = data.find(MARK, at)
            following = _resume(data, at, stop if stop >= 0 else end, info, allowance)
            reached = following[1] - offset if following else max(info.total, position)
            if following and reached <= position:  # of a stream whose beginning is damaged
                reached = position + seen.samples_in(following[0] - at)
            lost = max(reached - position, 0) / info.rate if allowance.left >= 0 else math.inf
            damage.append(Damage(position / info.rate, lost, "damaged" if following else "damaged to its end"))
            if following is None:
                return frames, stop if stop >= 0 else end, damage
            at, position = following[0], reached
            offset = following[1] - reached
            continue
        if not frames and not damage:
            offset = frame.first
        if (gap := frame.first - offset - position) > 0:  # whole frames are missing
            damage.append(Damage(position / info.rate, gap / info.rate, "damaged"))
            position += gap
        frames.append(frame)
        seen.add(frame)
        position += frame.samples
        at += frame.length
    return frames, at, damage


def _resume(data: Bytes, at: int, stop: int, info: StreamInfo, allowance: _Allowance) -> tuple[int, int] | None:
    """Position and first sample of the next whole frame in front of the position `stop`.

    None where there is none, and where the allowance is spent.
    """
    for found in POSSIBLE_HEADER.finditer(data, at + 1, stop):
        header = _header(data, found.start(), info)
        if header and _frame(data, found.start(), info, allowance):
            return found.start(), header[2]
        if allowance.left < 0:
            return None
    return None


def _frame(data: Bytes, start: int, info: StreamInfo, allowance: _Allowance) -> Frame | None:
    """The frame at a position, if its checksum is right: it ends before the next header, or with the stream."""
    header = _header(data, start, info)
    if header is None:
        return None
    sync = data[start : start + 2]
    longest = info.largest_frame or info.channels * (info.bits + 8) * header[1] // 8 + 64
    limit = min(len(data), start + 2 * longest)
    at, checked, checksum, headers, ends = start + header[0], start, 0, 0, 0
    while allowance.left >= HEADER_COST * headers and (at := data.find(sync, at + 1, limit)) >= 0:
        headers += 1
        if _header(data, at, info):
            ends += 1
            checked, checksum = at, crc16.umts(data[checked:at], checksum)
            if checksum == 0:
                return Frame(start, at - start, header[1], header[2])
            if ends == MOST_ENDS:
                limit = at
    for end in _ends(data, start, limit):
        if crc16.umts(data[start:end]) == 0:
            return Frame(start, end - start, header[1], header[2])
        allowance.left -= end - start
    allowance.left -= limit - start + HEADER_COST * headers
    return None


def _ends(data: Bytes, start: int, limit: int) -> list[int]:
    """Where the last frame of a stream may end: before another stream or a tag, or with the file."""
    ends = [at for mark in (MARK, TRAILING_TAG) if (at := data.find(mark, start, limit + 4)) >= 0]
    return [*ends, len(data)] if limit == len(data) else ends


def _header(data: Bytes, at: int, info: StreamInfo) -> tuple[int, int, int] | None:
    """Length in bytes, samples and first sample of the frame header at a position, if its checksum is right."""
    head = data[at : at + LONGEST_HEADER]
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xFE != 0xF8 or head[3] & 1:
        return None
    number, used = _coded_number(head[4:])
    size_code, rate_code = head[2] >> 4, head[2] & 15
    if not used or not size_code or rate_code == 15:
        return None
    end = 4 + used
    if size_code in (6, 7):
        width = size_code - 5
        samples = int.from_bytes(head[end : end + width], "big") + 1
        end += width
    else:
        samples = 192 if size_code == 1 else 576 << size_code - 2 if size_code < 6 else 256 << size_code - 8
    end += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if len(head) <= end or crc8.smbus(head[: end + 1]) != 0:
        return None
    fixed = int.from_bytes(info.raw[2:4], "big")
    return end + 1, samples, number if head[1] & 1 else number * fixed


def _coded_number(data: bytes) -> tuple[int, int]:
    """A number coded as in UTF-8 with up to seven bytes, and its length; length 0 where it is not one."""
    first = data[0]
    if first < 0x80:
        return first, 1
    count = next((n for n in range(2, 8) if first >> 7 - n & 1 == 0 and first >> 8 - n == (1 << n) - 1), 0)
    if count == 0 and first == 0xFE:
        count = 7
    if not count or len(data) < count or any(byte >> 6 != 2 for byte in data[1:count]):
        return 0, 0
    number = first & (0x7F >> count)
    for byte in data[1:count]:
        number = number << 6 | byte & 0x3F
    return number, count
