"""Ogg: pages with checksums and sequence numbers (RFC 3533), which show damage, and streams one after another."""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from fastcrc import crc32

from ei_toolkit.audio.flac import StreamInfo
from ei_toolkit.audio.stream import ByteRange, Damage, Examined, Stream, joined, without_zeros

MARK = b"OggS"
HEAD = struct.Struct("<4sBBqIIIB")  # mark, version, flags, granule position, serial, sequence, checksum, segments
FIRST, LAST = 0x02, 0x04  # of the flags
OPUS_RATE = 48_000
MOST_WASTED = 16
"""Bytes of pages with a wrong checksum that are read at most, for each byte of a file.

A damaged file needs one or two. A crafted file can need thousands: false headers whose pages of up to 64 KiB overlap.
"""

Bytes = bytes | mmap.mmap


@dataclass(frozen=True)
class Page:
    """One page. `granule` is the position at its end in samples, -1 where no packet ends in it."""

    start: int
    length: int
    flags: int
    granule: int
    serial: int
    sequence: int
    segments: tuple[int, ...]

    @property
    def body(self) -> int:
        """Where the segments begin."""
        return self.start + HEAD.size + len(self.segments)


@dataclass
class _Logical:
    """The pages of one stream."""

    codec: str
    rate: int
    pages: list[Page] = field(default_factory=list)
    granule: int = 0


@dataclass
class _Link:
    """The streams that play together, from `start` seconds on. `seconds` is the time that their pages have reached."""

    start: float
    seconds: float
    streams: dict[int, _Logical] = field(default_factory=dict)
    has_data: bool = False

    def begin(self, stream: _Logical, page: Page) -> None:
        """Add a stream with its first page."""
        stream.pages.append(page)
        self.streams[page.serial] = stream
        self.has_data |= page.sequence > 0

    def add(self, stream: _Logical, page: Page) -> None:
        """Append a page to one of the streams."""
        stream.pages.append(page)
        stream.granule = max(stream.granule, page.granule)
        self.has_data |= page.sequence > 0
        if stream.codec:
            self.seconds = max(self.seconds, self.start + stream.granule / stream.rate)


def examine_ogg(data: Bytes) -> Examined | None:
    """The streams of an Ogg file; None where it does not begin with a page."""
    if data[:4] != MARK:
        return None
    links: list[_Link] = []
    damage: list[Damage] = []
    broken_at: float | None = None
    contiguous = True
    seconds = 0.0
    for page in _pages(data):
        if not isinstance(page, Page):
            contiguous = False
            broken_at = seconds if broken_at is None else broken_at
            if page is _Gap.REST:
                damage.append(Damage(broken_at, math.inf, "damaged"))
            continue
        if page.flags & FIRST:
            if not links or links[-1].has_data:
                links.append(_Link(seconds, seconds))
            links[-1].begin(_logical(data, page), page)
            continue
        known = links[-1].streams.get(page.serial) if links else None
        if known is None:
            continue
        if page.sequence != known.pages[-1].sequence + 1:
            damage.append(_gap(known, page, seconds if broken_at is None else broken_at))
        broken_at = None
        links[-1].add(known, page)
        seconds = links[-1].seconds
    if not links:
        return None
    if not _ended(links[-1]) and not any(math.isinf(one.lost) for one in damage):
        damage.append(Damage(seconds, math.inf, "cut short"))
    return _examined(data, links, damage, contiguous)


class _Gap(Enum):
    """What lies between two pages: bytes that are no page, or the rest of a file that is not searched further."""

    BYTES = auto()
    REST = auto()


def _pages(data: Bytes) -> Iterator[Page | _Gap]:
    """Every page with the right checksum, and a gap for whatever lies between two of them.

    The time is linear in the length of the data, whatever it holds: false headers are read up to a limit.
    """
    at, end, wasted = 0, without_zeros(data), 0
    while 0 <= at < end:
        page, read = _page(data, at)
        if page is not None:
            yield page
            at += page.length
            continue
        wasted += read
        if wasted > MOST_WASTED * len(data):
            yield _Gap.REST
            return
        yield _Gap.BYTES
        at = data.find(MARK, at + 1)


def _page(data: Bytes, at: int) -> tuple[Page | None, int]:
    """The page at a position, None where its checksum is wrong, and the number of bytes that were read for it."""
    head = data[at : at + HEAD.size]
    if len(head) < HEAD.size:
        return None, len(head)
    mark, version, flags, granule, serial, sequence, checksum, count = HEAD.unpack(head)
    if mark != MARK or version or flags > 7:
        return None, HEAD.size
    segments = tuple(data[at + HEAD.size : at + HEAD.size + count])
    length = HEAD.size + count + sum(segments)
    if len(segments) < count or at + length > len(data):
        return None, HEAD.size + count
    whole = data[at : at + length]
    if crc32.mpeg_2(whole[:22] + bytes(4) + whole[26:], initial=0) != checksum:
        return None, length
    return Page(at, length, flags, granule, serial, sequence, segments), length


def _logical(data: Bytes, page: Page) -> _Logical:
    packet = data[page.body : page.body + sum(page.segments)]
    if packet[:7] == b"\x01vorbis" and len(packet) >= 16:
        return _Logical("vorbis", struct.unpack_from("<I", packet, 12)[0] or 1)
    if packet[:8] == b"OpusHead":
        return _Logical("opus", OPUS_RATE)
    if packet[:5] == b"\x7fFLAC" and len(packet) >= 51:
        return _Logical("flac", StreamInfo.parse(packet[17:51]).rate or 1)
    if packet[:8] == b"Speex   ":
        return _Logical("speex", 1)
    return _Logical("", 1)


def _gap(stream: _Logical, page: Page, seconds: float) -> Damage:
    jump = max(page.granule - stream.granule, 0) / stream.rate
    return Damage(seconds, max(jump - _mean_page(stream), 0.01), "damaged")


def _mean_page(stream: _Logical) -> float:
    counted = max(len(stream.pages) - 2, 1)
    return stream.granule / stream.rate / counted


def _ended(link: _Link) -> bool:
    return all(one.pages[-1].flags & LAST for one in link.streams.values() if one.codec)


def _examined(data: Bytes, links: list[_Link], damage: list[Damage], contiguous: bool) -> Examined:
    sound = [next((one for one in link.streams.values() if one.codec), None) for link in links]
    kept = [one for one in sound if one]
    single = len(links) == 1 and len(links[0].streams) == 1
    if single and contiguous and not damage and kept and kept[0].codec in ("vorbis", "opus"):
        return Examined((Stream(),))
    return Examined(tuple(_stream(data, one) for one in kept), tuple(damage))


def _stream(data: Bytes, stream: _Logical) -> Stream:
    if stream.codec == "flac":
        return _native_flac(data, stream)
    pages = joined(ByteRange(page.start, page.length) for page in stream.pages)
    return Stream(pages, decoder="ffmpeg", format="Speex") if stream.codec == "speex" else Stream(pages)


def _native_flac(data: Bytes, stream: _Logical) -> Stream:
    """FLAC in Ogg as FLAC: each packet behind the metadata is a frame."""
    packets = list(_packets(stream.pages))
    first = data[packets[0][0].start : packets[0][0].start + packets[0][0].length]
    info = StreamInfo.parse(first[17:51])
    frames = [part for packet in packets[1:] if data[packet[0].start] == 0xFF for part in packet]
    coding = info.coding(checked=info.total == stream.granule)
    return Stream((info.without_total(), *joined(iter(frames))), stream.granule, info.decoder, coding)


def _packets(pages: list[Page]) -> Iterator[list[ByteRange]]:
    packet: list[ByteRange] = []
    for page in pages:
        at = page.body
        length = 0
        for segment in page.segments:
            length += segment
            if segment < 255:
                yield [*packet, ByteRange(at, length)]
                packet, at, length = [], at + length, 0
        if length:
            packet.append(ByteRange(at, length))
