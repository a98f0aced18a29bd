"""Ogg: pages with checksums and sequence numbers (RFC 3533), which show damage, and streams one after another."""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from fastcrc import crc32

from ei_toolkit.audio.flac import StreamInfo
from ei_toolkit.audio.stream import ByteRange, Damage, Examined, Stream, joined

MARK = b"OggS"
HEAD = struct.Struct("<4sBBqIIIB")  # mark, version, flags, granule position, serial, sequence, checksum, segments
FIRST, LAST = 0x02, 0x04  # of the flags
OPUS_RATE = 48_000

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


def examine_ogg(data: Bytes) -> Examined | None:
    """The streams of an Ogg file; None where it does not begin with a page."""
    if data[:4] != MARK:
        return None
    links: list[dict[int, _Logical]] = []
    damage: list[Damage] = []
    broken_at: float | None = None
    contiguous = True
    seconds = 0.0
    for page in _pages(data):
        if page is None:
            contiguous = False
            broken_at = _seconds(links, seconds) if broken_at is None else broken_at
            continue
        if page.flags & FIRST:
            if not links or any(one.pages[-1].sequence for one in links[-1].values()):
                seconds = _seconds(links, seconds)
                links.append({})
            links[-1][page.serial] = _logical(data, page)
            links[-1][page.serial].pages.append(page)
            continue
        stream = links[-1].get(page.serial) if links else None
        if stream is None:
            continue
        if page.sequence != stream.pages[-1].sequence + 1:
            damage.append(_gap(stream, page, _seconds(links, seconds) if broken_at is None else broken_at))
        broken_at = None
        stream.pages.append(page)
        stream.granule = max(stream.granule, page.granule)
    if not links:
        return None
    if not _ended(links[-1]):
        damage.append(Damage(_seconds(links, seconds), math.inf, "cut short"))
    return _examined(data, links, damage, contiguous)


def _pages(data: Bytes) -> Iterator[Page | None]:
    """Every page with the right checksum; None once for whatever lies between two of them."""
    at, end = 0, len(data)
    while at < end:
        page = _page(data, at)
        if page is None:
            if not data[at:end].strip(b"\0"):
                return
            yield None
            at = data.find(MARK, at + 1)
            if at < 0:
                return
            continue
        yield page
        at += page.length


def _page(data: Bytes, at: int) -> Page | None:
    head = data[at : at + HEAD.size]
    if len(head) < HEAD.size:
        return None
    mark, version, flags, granule, serial, sequence, checksum, count = HEAD.unpack(head)
    if mark != MARK or version or flags > 7:
        return None
    segments = tuple(data[at + HEAD.size : at + HEAD.size + count])
    length = HEAD.size + count + sum(segments)
    whole = data[at : at + length]
    if len(segments) < count or len(whole) < length:
        return None
    if crc32.mpeg_2(whole[:22] + bytes(4) + whole[26:], initial=0) != checksum:
        return None
    return Page(at, length, flags, granule, serial, sequence, segments)


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


def _seconds(links: list[dict[int, _Logical]], before: float) -> float:
    """The time that has been reached: that of the link's longest stream behind those of the links before it."""
    sound = [one for one in links[-1].values() if one.codec] if links else []
    return before + max((one.granule / one.rate for one in sound), default=0.0)


def _gap(stream: _Logical, page: Page, seconds: float) -> Damage:
    jump = max(page.granule - stream.granule, 0) / stream.rate
    return Damage(seconds, max(jump - _mean_page(stream), 0.01), "damaged")


def _mean_page(stream: _Logical) -> float:
    counted = max(len(stream.pages) - 2, 1)
    return stream.granule / stream.rate / counted


def _ended(link: dict[int, _Logical]) -> bool:
    return all(one.pages[-1].flags & LAST for one in link.values() if one.codec)


def _examined(data: Bytes, links: list[dict[int, _Logical]], damage: list[Damage], contiguous: bool) -> Examined:
    sound = [next((one for one in link.values() if one.codec), None) for link in links]
    kept = [one for one in sound if one]
    single = len(links) == 1 and len(links[0]) == 1
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
