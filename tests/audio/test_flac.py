"""FLAC of every number of bits, within Ogg, and with a checksum of its samples that does or does not hold."""

from __future__ import annotations

import hashlib
import math
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from audio_files import FLAC_BLOCK, CountedBytes, by_ffmpeg, flac, noise, written
from fastcrc import crc8
from numpy.typing import NDArray

from ei_toolkit.audio.decode import describe, read_clip
from ei_toolkit.audio.flac import examine_flac
from ei_toolkit.errors import DataError

RATE = 16_000


def integers(bits: int, channels: int = 1, seconds: float = 1.0) -> NDArray[np.int64]:
    return np.rint(noise(seconds, RATE, channels) * (1 << bits - 1)).astype(np.int64)


def read(path: Path, data: bytes) -> tuple[NDArray[np.int16], list[str]]:
    path.write_bytes(data)
    warnings: list[str] = []
    return read_clip(path, RATE, warn=warnings.append), warnings


def frame_starts(data: bytes) -> list[int]:
    return [at for at in range(len(data) - 4) if data[at : at + 4] in (b"\xff\xf8\x70\x00", b"\xff\xf8\x70\x10")]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("bits", [4, 8, 12, 15, 16, 20, 24, 32])
def test_every_number_of_bits_is_read_without_ffmpeg(tmp_path: Path, bits: int, channels: int) -> None:
    samples = integers(bits, channels, 2.5)
    got, warnings = read(tmp_path / "a.flac", flac(samples, bits, RATE))
    assert warnings == []
    assert len(got) == len(samples)
    assert np.abs(got - samples.mean(axis=1) * 2.0 ** (16 - bits)).max() <= 1
    assert describe(tmp_path / "a.flac").seconds == 2.5


def test_the_files_of_these_tests_are_flac_to_ffmpeg_too(tmp_path: Path) -> None:
    samples = integers(20)
    (tmp_path / "a.flac").write_bytes(flac(samples, 20, RATE))
    assert np.array_equal(by_ffmpeg(tmp_path / "a.flac"), samples[:, 0] / 16)


@pytest.mark.parametrize("bits", ["16", "24"])
def test_flac_in_ogg_is_read_without_ffmpeg(tmp_path: Path, bits: str) -> None:
    (tmp_path / "a.wav").write_bytes(written(noise(2, RATE, 2), RATE, format="WAV", subtype=f"PCM_{bits}"))
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", tmp_path / "a.wav", "-c:a", "flac"]
    command += ["-sample_fmt", "s16" if bits == "16" else "s32", "-bits_per_raw_sample", bits]
    subprocess.run([*command, "-f", "ogg", tmp_path / "a.oga"], check=True)
    warnings: list[str] = []
    got = read_clip(tmp_path / "a.oga", RATE, warn=warnings.append)
    assert warnings == []
    assert len(got) == 2 * RATE
    assert np.abs(got - by_ffmpeg(tmp_path / "a.oga")).max() <= 1


@pytest.mark.parametrize(("bits", "form"), [(8, "i1"), (12, "<i2"), (16, "<i2")])
def test_a_checksum_of_the_samples_is_checked(tmp_path: Path, bits: int, form: str) -> None:
    samples = integers(bits, 2)
    right = hashlib.md5(samples.astype(form).tobytes()).digest()
    assert read(tmp_path / "a.flac", flac(samples, bits, RATE, md5=right))[1] == []
    _, warnings = read(tmp_path / "a.flac", flac(samples, bits, RATE, md5=right[::-1]))
    assert warnings == ["a.flac: the samples do not have the checksum (MD5) that the header gives"]


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
def test_the_checksum_that_libflac_writes_holds(tmp_path: Path, subtype: str) -> None:
    data = written(noise(3, RATE, 2), RATE, format="FLAC", subtype=subtype)
    assert any(data[26:42])
    assert read(tmp_path / "a.flac", data)[1] == []


def test_whole_frames_that_are_missing_are_found_with_their_time(tmp_path: Path) -> None:
    data = flac(integers(16, 1, 3.0), 16, RATE)
    starts = frame_starts(data)
    path = tmp_path / "a.flac"
    path.write_bytes(data[: starts[4]] + data[starts[6] :])
    with pytest.raises(DataError, match=r"a.flac: damaged at 1\.02 s, 0\.51 s of sound are missing"):
        read_clip(path, RATE)


def test_a_part_of_a_longer_stream_keeps_its_numbers_and_is_whole(tmp_path: Path) -> None:
    data = flac(integers(16, 1, 3.0), 16, RATE)
    starts = frame_starts(data)
    total = 3 * RATE - 2 * FLAC_BLOCK
    header = bytearray(data[: starts[0]])
    header[22:26] = total.to_bytes(4, "big")
    got, warnings = read(tmp_path / "a.flac", bytes(header) + data[starts[2] :])
    assert (len(got), warnings) == (total, [])


def test_what_is_not_flac_is_left_to_others() -> None:
    assert examine_flac(b"OggS" + bytes(60)) is None
    assert examine_flac(b"fLaC\x80\x00\x00\x22" + bytes(10)) is None


@pytest.mark.parametrize("tail", [b"TAG" + bytes(125), bytes(300)])
def test_what_follows_the_last_frame_and_is_no_sound_does_not_matter(tmp_path: Path, tail: bytes) -> None:
    data = written(noise(3, RATE), RATE, format="FLAC")
    got, warnings = read(tmp_path / "a.flac", data + tail)
    assert (len(got), warnings) == (3 * RATE, [])


def two_streams() -> tuple[bytes, bytes]:
    return flac(integers(16, 1, 2.0), 16, RATE), flac(integers(16, 1, 3.0), 16, RATE)


# The end of a frame is where the next one begins, so the frame in front of damage is lost with it.
def test_damage_at_the_end_of_a_stream_does_not_take_the_next_one_along(tmp_path: Path) -> None:
    first, second = two_streams()
    at = frame_starts(first)[6]
    path = tmp_path / "a.flac"
    path.write_bytes(first[:at] + np.random.default_rng(0).bytes(len(first) - at) + second)
    with pytest.raises(DataError, match=r"a.flac: damaged to its end at 1\.28 s, 0\.72 s of sound are missing"):
        read_clip(path, RATE)
    found = examine_flac(path.read_bytes())
    assert found is not None
    assert [stream.frames for stream in found.streams] == [5 * FLAC_BLOCK, 3 * RATE]


def test_a_stream_whose_beginning_is_damaged_is_found_to_be_missing_something(tmp_path: Path) -> None:
    first, second = two_streams()
    at = frame_starts(second)[2]
    path = tmp_path / "a.flac"
    path.write_bytes(first + bytes([1]) * at + second[at:])
    with pytest.raises(DataError, match=r"a.flac: damaged at 1\.79 s, 0\.7\d s of sound are missing"):
        read_clip(path, RATE)


@pytest.mark.parametrize("fill", [b"\xff", b"\xff\xf8", b"\xff\xfb"])
def test_a_long_run_of_erased_memory_is_passed_over_quickly(tmp_path: Path, fill: bytes) -> None:
    start = time.process_time()
    for suffix in ("flac", "mp3"):
        path = tmp_path / f"a.{suffix}"
        path.write_bytes(written(noise(1, RATE), RATE, format=suffix.upper()) + fill * (2_000_000 // len(fill)))
        with suppress(DataError):
            read_clip(path, RATE)
    assert time.process_time() - start < 3


def false_frames(count: int) -> bytes:
    """Headers with the right checksum and no frame behind them: 192 samples, 44.1 kHz, mono, 16 bits."""
    header = bytes([0xFF, 0xF8, 0x19, 0x08, 0])
    return (header + bytes([crc8.smbus(header)])) * count


@pytest.mark.parametrize("largest_frame", [0, 1 << 24 - 1])
def test_false_frames_are_read_in_proportion_to_the_length_of_a_file(largest_frame: int) -> None:
    whole = bytearray(flac(integers(16), 16, RATE))
    whole[15:18] = largest_frame.to_bytes(3, "big")
    data = CountedBytes(bytes(whole) + false_frames(10_000))
    found = examine_flac(data)
    assert found is not None
    assert [(one.what, one.lost) for one in found.damage] == [("damaged to its end", math.inf)]
    assert data.read < 30 * len(data)


def test_damage_in_every_second_frame_does_not_use_up_what_is_read_for_false_frames() -> None:
    """In long silence, where the frames are much shorter than the longest one."""
    data = bytearray(written(np.concatenate([noise(1, RATE), np.zeros((60 * RATE, 1))]), RATE, format="FLAC"))
    starts = [at for at in range(len(data) - 1) if data[at : at + 2] == b"\xff\xf8"]
    for at in starts[10::2]:
        data[at + 6] ^= 1
    found = examine_flac(bytes(data))
    assert found is not None and found.streams[0].frames is not None
    assert all(math.isfinite(one.lost) for one in found.damage)
    assert sum(one.lost for one in found.damage) == pytest.approx(61 - found.streams[0].frames / RATE, abs=0.3)
