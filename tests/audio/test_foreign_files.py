"""Files that other programs write: read like an independent decoder reads them, or rejected with the true reason."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from audio_files import TOLERANCES, Kind, by_ffmpeg, kinds
from audio_files import noise as noise_at
from audio_files import written as written_at
from numpy.typing import NDArray

from ei_toolkit.audio import sources
from ei_toolkit.audio.decode import probe, read_blocks, read_clip
from ei_toolkit.audio.window import cut_blocks
from ei_toolkit.config.settings import Reading
from ei_toolkit.errors import DataError

RATE = 44_100
Samples = NDArray[np.int16]


def noise(seconds: float, rate: int = RATE, channels: int = 1, seed: int = 0) -> NDArray[np.float64]:
    return noise_at(seconds, rate, channels, seed)


def written(samples: NDArray[np.float64], rate: int = RATE, **kind: str) -> bytes:
    return written_at(samples, rate, **kind)


def problem(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_clip(path, 16_000)
    return str(caught.value)


def warnings_of(path: Path, rate: int = 16_000) -> tuple[Samples, list[str]]:
    warnings: list[str] = []
    return read_clip(path, rate, warn=warnings.append), warnings


def without_info_frame(mp3: bytes) -> bytes:
    return mp3[mp3.find(mp3[:2], 4) :]


def assert_read_like_ffmpeg(kind: Kind, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a file in blocks of random length, and cut windows at random offsets: all equal ffmpeg's whole decode."""
    rng = np.random.default_rng(list(str(kind).encode()))
    path = kind.write(folder, seconds=2.3)
    expected = by_ffmpeg(path)
    got = read_clip(path, kind.rate)
    assert len(got) == len(expected)
    assert np.abs(got - expected).max() <= TOLERANCES.get(kind.suffix, 1.01)
    monkeypatch.setattr(sources, "BLOCK_SECONDS", float(rng.uniform(0.01, 1)))
    assert np.array_equal(np.concatenate(list(read_blocks(path, kind.rate))), got)
    window, hop = (int(value) for value in rng.integers(100, kind.rate, 2))
    cuts = list(cut_blocks(read_blocks(path, kind.rate), window, hop))
    assert [start for start, _ in cuts] == list(range(0, len(got) - window + 1, hop))
    assert all(np.array_equal(samples, got[start : start + window]) for start, samples in cuts)
    assert probe(path) == pytest.approx(len(got) / kind.rate, abs=1e-4)


@pytest.mark.parametrize("kind", kinds()[::9], ids=str)
def test_a_file_is_read_as_ffmpeg_reads_it(kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_read_like_ffmpeg(kind, tmp_path, monkeypatch)


@pytest.mark.exhaustive
def test_all_200_kinds_are_read_as_ffmpeg_reads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(set(kinds())) == 200
    for kind in kinds():
        assert_read_like_ffmpeg(kind, tmp_path, monkeypatch)


def test_a_flac_of_unknown_length_is_read_to_its_end(tmp_path: Path) -> None:
    data = bytearray(written(noise(6), format="FLAC"))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(data)
    assert len(read_clip(tmp_path / "a.flac", RATE)) == 6 * RATE
    assert probe(tmp_path / "a.flac") == pytest.approx(6)


def test_a_flac_that_holds_more_than_it_promises_is_read_to_its_end(tmp_path: Path) -> None:
    data = bytearray(written(noise(6), format="FLAC"))
    data[21] &= 0xF0
    data[22:26] = (73_000).to_bytes(4, "big")
    (tmp_path / "a.flac").write_bytes(data)
    assert len(read_clip(tmp_path / "a.flac", RATE)) == 6 * RATE


@pytest.mark.parametrize(("suffix", "kind"), [("flac", {}), ("ogg", {}), ("opus", {"subtype": "OPUS"})])
def test_streams_one_after_the_other_are_all_read(tmp_path: Path, suffix: str, kind: dict[str, str]) -> None:
    form = "FLAC" if suffix == "flac" else "OGG"
    parts = [written(noise(s, 48_000, seed=int(s)), 48_000, format=form, **kind) for s in (2.0, 3.0)]
    (tmp_path / f"a.{suffix}").write_bytes(b"".join(parts))
    assert len(read_clip(tmp_path / f"a.{suffix}", 48_000)) == pytest.approx(5 * 48_000, abs=1)


def test_streams_of_different_rates_are_all_read(tmp_path: Path) -> None:
    parts = [written(noise(2, rate), rate, format="FLAC") for rate in (44_100, 22_050)]
    (tmp_path / "a.flac").write_bytes(b"".join(parts))
    assert len(read_clip(tmp_path / "a.flac", 16_000)) == pytest.approx(4 * 16_000, abs=4)


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_damage_in_the_middle_is_found_with_its_time(tmp_path: Path, suffix: str) -> None:
    data = bytearray(written(noise(6), format=suffix.upper()))
    middle = len(data) // 2
    data[middle : middle + 9000] = np.random.default_rng(1).bytes(9000)
    (tmp_path / f"a.{suffix}").write_bytes(data)
    message = problem(tmp_path / f"a.{suffix}")
    assert message.startswith(f"a.{suffix}: damaged at ")
    assert 2 < float(message.split("damaged at ")[1].split(" s")[0]) < 4


@pytest.mark.parametrize("suffix", ["flac", "ogg"])
def test_one_flipped_bit_is_found(tmp_path: Path, suffix: str) -> None:
    data = bytearray(written(noise(6, 8_000), 8_000, format=suffix.upper()))
    data[len(data) // 2] ^= 1
    (tmp_path / f"a.{suffix}").write_bytes(data)
    assert "damaged at" in problem(tmp_path / f"a.{suffix}")


def test_an_mp3_that_is_cut_short_is_rejected(tmp_path: Path) -> None:
    data = written(noise(6), format="MP3")
    (tmp_path / "a.mp3").write_bytes(data[: len(data) // 2])
    found = re.fullmatch(
        r"a.mp3: cut short at (\d.\d+) s, (\d.\d+) s of sound are missing", problem(tmp_path / "a.mp3")
    )
    assert found
    assert [float(one) for one in found.groups()] == pytest.approx([3, 3], abs=0.1)


def test_an_mp3_without_a_length_that_is_damaged_to_its_end_is_rejected(tmp_path: Path) -> None:
    data = without_info_frame(written(noise(6), format="MP3"))
    half = len(data) // 2
    (tmp_path / "a.mp3").write_bytes(data[:half] + np.random.default_rng(1).bytes(half))
    assert problem(tmp_path / "a.mp3").startswith("a.mp3: damaged at ")


def test_damage_in_a_later_stream_has_the_time_from_the_beginning(tmp_path: Path) -> None:
    first, second = (written(noise(4, 48_000, seed=n), 48_000, format="OGG") for n in (0, 1))
    data = bytearray(first + second)
    data[len(first) + len(second) // 2] ^= 1
    (tmp_path / "a.ogg").write_bytes(data)
    assert 5 < float(problem(tmp_path / "a.ogg").split("damaged at ")[1].split(" s")[0]) < 7


def test_tags_around_an_mp3_are_not_damage(tmp_path: Path) -> None:
    id3v2 = b"ID3\x04\x00\x00" + bytes([0, 0, 2, 0]) + bytes(256)
    data = written(noise(2), format="MP3")
    (tmp_path / "a.mp3").write_bytes(id3v2 + data + b"TAG" + bytes(125))
    samples, warnings = warnings_of(tmp_path / "a.mp3", RATE)
    assert len(samples) == 2 * RATE
    assert warnings == []


def test_a_wav_whose_size_was_never_written_is_read_with_a_warning(tmp_path: Path) -> None:
    data = bytearray(written(noise(4, 16_000), 16_000, format="WAV"))
    data[40:44] = bytes(4)
    (tmp_path / "a.wav").write_bytes(data)
    samples, warnings = warnings_of(tmp_path / "a.wav")
    assert len(samples) == 64_000
    assert warnings == ["a.wav: the header gives a length of 0; read to the end of the file"]


def test_a_wav_with_two_data_chunks_is_read_with_a_warning(tmp_path: Path) -> None:
    data = written(noise(1, 16_000), 16_000, format="WAV")
    (tmp_path / "a.wav").write_bytes(data + data[36:])
    samples, warnings = warnings_of(tmp_path / "a.wav")
    assert len(samples) == 32_000
    assert warnings == ["a.wav: 2 data chunks; read one after the other"]


def test_a_wav_with_two_format_chunks_is_read(tmp_path: Path) -> None:
    data = written(noise(1, 16_000), 16_000, format="WAV")
    (tmp_path / "a.wav").write_bytes(data[:36] + data[12:36] + data[36:])
    assert len(read_clip(tmp_path / "a.wav", 16_000)) == 16_000


def test_a_wav_that_is_short_by_one_sample_is_read_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(written(noise(4, 16_000), 16_000, format="WAV")[:-2])
    samples, warnings = warnings_of(tmp_path / "a.wav")
    assert len(samples) == 63_999
    assert len(warnings) == 1
    assert "cut short, 0.062 ms of sound are missing" in warnings[0]


def test_float_samples_of_another_scale_are_rejected(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(1) * 32767, RATE, "FLOAT")
    assert "samples up to 16," in problem(tmp_path / "a.wav")
    assert "expected −1 to 1" in problem(tmp_path / "a.wav")


def test_channels_that_cancel_are_rejected_and_one_of_them_can_be_chosen(tmp_path: Path) -> None:
    left = noise(1, 16_000)[:, 0]
    soundfile.write(tmp_path / "a.wav", np.stack([left, -left], axis=1), 16_000)
    assert "the channels cancel each other" in problem(tmp_path / "a.wav")
    assert np.abs(read_clip(tmp_path / "a.wav", 16_000, reading=Reading("left")) - left * 32768).max() <= 1


def test_clipping_and_an_offset_are_warned_of(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.clip(noise(1) * 4 + 0.3, -1, 1), RATE)
    warnings = warnings_of(tmp_path / "a.wav")[1]
    assert any("of the samples are at full scale" in warning for warning in warnings)
    assert any("constant offset of +0." in warning for warning in warnings)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<html><body>404 Not Found</body></html>", "an HTML page"),
        (b"\xef\xbb\xbf <!DOCTYPE html>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"PK\x03\x04" + bytes(40), "a zip archive"),
        (b"%PDF-1.7", "a PDF document"),
        (bytes(100), "no MPEG audio frames in it"),
    ],
)
def test_what_is_not_audio_is_named(
    tmp_path: Path, content: bytes, what: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "page.mp3").write_bytes(content)
    assert problem(tmp_path / "page.mp3").startswith(f"page.mp3: not audio: {what}")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("rate", [8_000, 24_000])
def test_an_opus_file_of_a_lower_rate_has_the_length_that_ffmpeg_gives_it(tmp_path: Path, rate: int) -> None:
    path = Kind("opus", rate, 1).write(tmp_path, seconds=2.3)
    assert len(read_clip(path, rate)) == pytest.approx(len(by_ffmpeg(path)) * rate / 48_000, abs=1)


@pytest.mark.parametrize("at", [4, 8, 12])
def test_a_damaged_length_frame_of_an_mp3_does_not_shorten_it(tmp_path: Path, at: int) -> None:
    data = bytearray(written(noise(3, 16_000), 16_000, format="MP3"))
    data[at] = 0xFF  # decoders take the frame for sound where its side information is not zero
    (tmp_path / "a.mp3").write_bytes(data)
    assert len(read_clip(tmp_path / "a.mp3", 16_000)) == 3 * 16_000


def test_what_precedes_an_mp3_and_is_no_tag_is_warned_of(tmp_path: Path) -> None:
    data = written(noise(2), format="MP3")
    (tmp_path / "a.mp3").write_bytes(b"\x01" * 1000 + data)
    samples, warnings = warnings_of(tmp_path / "a.mp3", RATE)
    assert len(samples) == 2 * RATE
    assert warnings == ["a.mp3: the first 1000 bytes are not sound; read behind them"]


def test_bytes_between_two_whole_pages_of_ogg_lose_nothing(tmp_path: Path) -> None:
    data = written(noise(3, 48_000), 48_000, format="OGG", subtype="OPUS")
    at = data.rindex(b"OggS")
    (tmp_path / "a.opus").write_bytes(data[:at] + np.random.default_rng(1).bytes(2000) + data[at:])
    assert len(read_clip(tmp_path / "a.opus", 48_000)) == 3 * 48_000


def test_a_wav_header_that_contradicts_itself_is_rejected(tmp_path: Path) -> None:
    data = bytearray(written(noise(1, 16_000), 16_000, format="WAV"))
    data[22] = 40
    (tmp_path / "a.wav").write_bytes(data)
    assert "40 channels of 16 bits are not 2 bytes a sample" in problem(tmp_path / "a.wav")


@pytest.mark.parametrize("length", [3, 7, 11, 15, 30])
def test_a_file_of_a_few_bytes_is_rejected(tmp_path: Path, length: int) -> None:
    for suffix in ("wav", "aiff", "caf", "flac", "ogg", "mp3", "w64", "au"):
        path = tmp_path / f"a.{suffix}"
        path.write_bytes(written(noise(1, 16_000), 16_000, format=suffix)[:length])
        assert problem(path).startswith(f"a.{suffix}: ")


def test_a_second_data_chunk_of_a_wav_that_is_cut_short_is_found(tmp_path: Path) -> None:
    data = written(noise(1, 16_000), 16_000, format="WAV")
    (tmp_path / "a.wav").write_bytes((data + data[36:])[:-16_000])
    assert "cut short, 0.50 s of sound are missing" in problem(tmp_path / "a.wav")


def test_other_encodings_within_wav_and_caf_are_left_to_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    wav = bytearray(written(noise(1, 16_000), 16_000, format="WAV"))
    wav[20:22] = b"\x61\x01"
    (tmp_path / "a.wav").write_bytes(wav)
    assert problem(tmp_path / "a.wav") == "a.wav: WAV of the encoding 0x0161 needs ffmpeg, which is not installed"
    caf = written(noise(1, 16_000), 16_000, format="CAF").replace(b"lpcm", b"aac ", 1)
    (tmp_path / "a.caf").write_bytes(caf)
    assert problem(tmp_path / "a.caf") == "a.caf: CAF of the coding 'aac' needs ffmpeg, which is not installed"
