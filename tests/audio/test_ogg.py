"""An Ogg file is whole if its last page has the flag of a last page."""

from __future__ import annotations

import io
import math
import struct
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from audio_files import CountedBytes
from fastcrc import crc32

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.ogg import examine_ogg
from ei_toolkit.errors import DataError


@pytest.fixture(scope="module", params=["VORBIS", "OPUS"])
def whole(request: pytest.FixtureRequest) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(1).normal(0, 0.1, 64_000)
    soundfile.write(file, noise, 16_000, request.param, format="OGG")
    return file.getvalue()


def torn(data: bytes) -> bool:
    examined = examine_ogg(data)
    return examined is None or bool(examined.damage)


def test_a_whole_file_is_not_torn(whole: bytes) -> None:
    assert not torn(whole)
    assert not torn(whole + whole)  # a chain of two streams is a legal file


@pytest.mark.parametrize("part", [0.02, 0.3, 0.5, 0.9, 0.999])
def test_a_part_is_torn(whole: bytes, part: float) -> None:
    assert torn(whole[: int(part * len(whole))])


def test_a_file_that_ends_after_a_page_or_within_the_head_of_one_is_torn(whole: bytes) -> None:
    last = whole.rindex(b"OggS")
    for cut in (last, last + 3, last + 4, last + 20, last + 28, len(whole) - 1):
        assert torn(whole[:cut])


@pytest.mark.parametrize("trail", [b"\0", b"TAG" + bytes(125), b"OggS", bytes(5000), bytes(70_000), b"x" * 100])
def test_what_follows_the_last_page_does_not_matter(whole: bytes, trail: bytes) -> None:
    assert not torn(whole + trail)


@pytest.mark.parametrize("data", [b"", b"Og", b"RIFF" + bytes(100), b"OggS", b"OggS" + b"\xff" * 100])
def test_what_has_no_whole_page_is_not_ogg(data: bytes) -> None:
    assert examine_ogg(data) is None


def page(packet: bytes, flags: int, serial: int = 1, sequence: int = 0) -> bytes:
    """A page of one packet shorter than 255 bytes, with its checksum."""
    head = struct.pack("<4sBBqIIIBB", b"OggS", 0, flags, 0, serial, sequence, 0, 1, len(packet))
    checksum = crc32.mpeg_2(head + packet, initial=0)
    return head[:22] + struct.pack("<I", checksum) + head[26:] + packet


def test_speex_needs_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    (tmp_path / "a.spx").write_bytes(page(b"Speex   " + bytes(72), flags=2 | 4))
    with pytest.raises(DataError, match="Speex needs ffmpeg, which is not installed"):
        read_clip(tmp_path / "a.spx", 16_000)


def test_a_page_that_is_missing_is_found_by_its_number(whole: bytes) -> None:
    starts = [at for at in range(len(whole)) if whole.startswith(b"OggS", at)]
    examined = examine_ogg(whole[: starts[2]] + whole[starts[3] :])
    assert examined is not None
    assert [one.what for one in examined.damage] == ["damaged"]
    assert sum(one.lost for one in examined.damage) > 0.5


def false_page(step: int) -> bytes:
    """A header of a page of 64 KiB with a wrong checksum, padded to `step` bytes."""
    return struct.pack("<4sBBqIIIB", b"OggS", 0, 0, 0, 1, 1, 0, 255).ljust(step, b"\xff")


@pytest.mark.parametrize("count", [500, 4000])
@pytest.mark.parametrize("step", [27, 200])
def test_false_pages_are_read_in_proportion_to_the_length_of_a_file(whole: bytes, count: int, step: int) -> None:
    data = CountedBytes(whole + false_page(step) * count + b"\xff" * 70_000)
    examined = examine_ogg(data)
    assert examined is not None
    assert data.read < 20 * len(data)


def test_sound_behind_more_false_pages_than_are_read_is_reported_as_missing(whole: bytes) -> None:
    examined = examine_ogg(whole + false_page(27) * 4000 + b"\xff" * 70_000 + whole)
    assert examined is not None
    assert [(one.what, one.lost) for one in examined.damage] == [("damaged", math.inf)]
    assert examined.damage[0].seconds == pytest.approx(4, abs=0.1)


def test_the_zeros_behind_damage_are_not_read_again_for_each_page(whole: bytes) -> None:
    data = CountedBytes(whole + (b"OggS" + b"\xff" * 40) * 1000 + bytes(1_000_000))
    assert not examine_ogg(data).damage  # type: ignore[union-attr]
    assert data.read < 2 * len(data)


def test_a_stream_of_many_is_not_compared_with_the_others() -> None:
    serials = range(500)
    data = b"".join([page(b"OpusHead" + bytes(11), 2, serial) for serial in serials]
                    + [page(b"sound", 0, serial, 2) + b"damage" for serial in serials])  # fmt: skip
    events: Counter[str] = Counter()
    sys.setprofile(lambda _frame, event, _what: events.update([event]))
    examine_ogg(data)
    sys.setprofile(None)
    assert events["call"] < 20 * 2 * len(serials)
