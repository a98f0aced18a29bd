"""The chain of MPEG frames: headers as in the standard, what is between frames, and the frame with the length."""

from __future__ import annotations

import numpy as np
import pytest
from audio_files import noise, written

from ei_toolkit.audio.mpeg import after_id3, examine_mpeg, parse_header
from ei_toolkit.audio.stream import ByteRange

RATE = 44_100


@pytest.fixture(scope="module")
def mp3() -> bytes:
    return written(noise(2, RATE), RATE, format="MP3", bitrate_mode="CONSTANT", compression_level=0.5)


def frames_of(data: bytes) -> int:
    """Frames that are read from the file, without the ones that are put in front of it."""
    found = examine_mpeg(data)
    assert found is not None
    return sum((stream.frames or 0) // 1152 for stream in found.streams)


@pytest.mark.parametrize(
    ("head", "layer", "rate", "channels", "length", "samples"),
    [
        ("fffb9064", 3, 44_100, 2, 417, 1152),  # MPEG 1, 128 kbit/s, joint stereo
        ("fffb92c4", 3, 44_100, 1, 418, 1152),  # with padding, mono
        ("fff388c4", 3, 16_000, 1, 288, 576),  # MPEG 2, 64 kbit/s
        ("ffe318c4", 3, 8_000, 1, 72, 576),  # MPEG 2.5, 8 kbit/s
        ("fffd9404", 2, 48_000, 2, 480, 1152),  # layer II, 160 kbit/s
        ("ffff94c4", 1, 48_000, 1, 288, 384),  # layer I, 288 kbit/s
    ],
)
def test_headers_give_what_the_standard_defines(
    head: str, layer: int, rate: int, channels: int, length: int, samples: int
) -> None:
    found = parse_header(bytes.fromhex(head), 0)
    assert found is not None
    assert (found.layer, found.rate, found.channels) == (layer, rate, channels)
    assert (found.length, found.samples) == (length, samples)


@pytest.mark.parametrize("head", ["ffeb9064", "fff99064", "fffb0064", "fffbf064", "fffb9c64", "fefb9064", "fffb90"])
def test_what_the_standard_reserves_is_no_header(head: str) -> None:
    assert parse_header(bytes.fromhex(head), 0) is None


def test_tags_at_the_beginning_are_passed_over() -> None:
    tag = b"ID3\x04\x00\x00" + bytes([0, 0, 1, 2]) + bytes(130)
    assert after_id3(tag + b"x", 0) == 140
    assert after_id3(tag + tag + b"x", 0) == 280
    assert after_id3(b"ID3\x04\x00\x00" + bytes([0, 0, 200, 2]), 0) == 0  # no size of an ID3 tag
    assert after_id3(b"xyz", 0) == 0


def test_a_whole_file_is_counted_without_its_length_frame(mp3: bytes) -> None:
    found = examine_mpeg(mp3)
    assert found is not None
    assert (found.damage, found.warnings) == ((), ())
    [stream] = found.streams
    assert stream.decoder == "mpg123"
    assert stream.frames == frames_of(mp3) * 1152
    assert 2 * RATE <= stream.frames <= 2 * RATE + 3 * 1152


def test_the_length_frame_gets_the_counted_numbers(mp3: bytes) -> None:
    at = mp3.index(b"Xing") if b"Xing" in mp3 else mp3.index(b"Info")
    wrong = mp3[: at + 8] + (3).to_bytes(4, "big") + mp3[at + 12 :]
    found = examine_mpeg(wrong)
    assert found is not None
    first = found.streams[0].parts[0]
    assert isinstance(first, bytes)
    assert int.from_bytes(first[at + 8 : at + 12], "big") == frames_of(mp3)
    assert int.from_bytes(first[at + 12 : at + 16], "big") == len(mp3)


def test_a_file_without_a_length_frame_gets_two_silent_frames(mp3: bytes) -> None:
    bare = mp3[mp3.find(mp3[:2], 4) :]
    found = examine_mpeg(bare)
    assert found is not None
    made, rest = found.streams[0].parts
    assert isinstance(made, bytes)
    first = parse_header(made, 0)
    assert first is not None
    assert parse_header(made, first.length) is not None
    assert not any(made[first.length + 4 :])
    assert rest == ByteRange(0, len(bare))


@pytest.mark.parametrize("length", [700, 4000])
def test_bytes_between_frames_are_damage_of_their_mean_length(mp3: bytes, length: int) -> None:
    at = len(mp3) // 2
    damaged = mp3[:at] + np.random.default_rng(3).bytes(length) + mp3[at + length :]
    found = examine_mpeg(damaged)
    assert found is not None
    lost = sum(one.lost for one in found.damage)
    assert found.damage[0].seconds == pytest.approx(1, abs=0.1)
    assert lost == pytest.approx(length / len(mp3) * 2, abs=0.06)


def test_streams_of_two_rates_are_two(mp3: bytes) -> None:
    other = written(noise(1, 22_050), 22_050, format="MP3")
    found = examine_mpeg(mp3 + other)
    assert found is not None
    assert [stream.decoder for stream in found.streams] == ["mpg123", "mpg123"]
    assert found.damage == ()


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xfb\x90\x64", bytes(5000), b"\xff\xfb\x90\x64" * 500])
def test_without_a_chain_of_frames_it_is_no_mpeg_audio(data: bytes) -> None:
    found = examine_mpeg(data)
    assert found is None or len(data) == 4
