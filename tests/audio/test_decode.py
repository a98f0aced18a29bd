"""Decode everything that a folder of music may hold, and say in a few words why something cannot be."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from ei_toolkit.audio import decode, sources
from ei_toolkit.audio.decode import LONGEST_CLIP_SECONDS, probe, read_blocks, read_clip
from ei_toolkit.audio.sources import BLOCK_SECONDS
from ei_toolkit.errors import DataError

Peak = Callable[[NDArray[np.float32], int], float]


def tone(rate: int, seconds: float = 1.0, hz: float = 440.0) -> NDArray[np.float64]:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"])
def test_every_sample_format_gives_the_same_sound(tmp_path: Path, subtype: str) -> None:
    soundfile.write(tmp_path / "a.wav", tone(16_000), 16_000, subtype)
    expected = np.rint(tone(16_000) * 32768)
    coarse = {"PCM_U8": 260, "ULAW": 700, "ALAW": 700}
    assert np.abs(read_clip(tmp_path / "a.wav", 16_000) - expected).max() <= coarse.get(subtype, 1)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_every_rate_keeps_pitch_length_and_level(tmp_path: Path, rate: int, peak_hz: Peak) -> None:
    soundfile.write(tmp_path / "a.wav", tone(rate, 2), rate)
    clip = read_clip(tmp_path / "a.wav", 16_000)
    assert len(clip) == pytest.approx(32_000, abs=1)
    assert peak_hz(clip.astype(np.float32), 16_000) == pytest.approx(440, abs=0.6)
    assert clip.astype(np.float64).std() == pytest.approx(0.5 / 2**0.5 * 32768, rel=0.005)


@pytest.mark.parametrize("name", ["a.wav", "a.au", "a.flac", "a.ogg", "a.mp3", "a.aiff", "a.caf", "a.w64", "a.opus"])
def test_every_container(tmp_path: Path, name: str, peak_hz: Peak) -> None:
    kind = {"a.opus": {"format": "OGG", "subtype": "OPUS"}}.get(name, {})
    soundfile.write(tmp_path / name, tone(48_000, 2), 48_000, **kind)
    clip = read_clip(tmp_path / name, 16_000)
    assert len(clip) == pytest.approx(32_000, abs=1200)  # lossy coders pad
    assert peak_hz(clip.astype(np.float32), 16_000) == pytest.approx(440, abs=1)


def test_sixteen_bits_at_the_same_rate_pass_untouched(tmp_path: Path) -> None:
    samples = np.random.default_rng(2).integers(-32768, 32768, 5000).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 16_000)
    assert np.array_equal(read_clip(tmp_path / "a.wav", 16_000), samples)


def test_channels_are_averaged(tmp_path: Path) -> None:
    left = tone(16_000)
    soundfile.write(tmp_path / "a.wav", np.stack([left, -left / 2, np.zeros_like(left)], axis=1), 16_000)
    assert np.abs(read_clip(tmp_path / "a.wav", 16_000) - np.rint(left / 6 * 32768)).max() <= 1


def test_too_loud_is_clipped_and_does_not_wrap(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([2.0, -2.0, 15.9, 0.25]), 16_000, "FLOAT")
    assert read_clip(tmp_path / "a.wav", 16_000).tolist() == [32767, -32768, 32767, 8192]


def test_an_offset_is_kept_for_the_level_to_remove(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(22_050) + 0.25, 22_050)
    assert read_clip(tmp_path / "a.wav", 16_000)[200:-200].mean() == pytest.approx(8192, abs=20)


@pytest.mark.parametrize("rate", [16_000, 22_050])
def test_a_long_clip_comes_in_blocks_without_gaps(tmp_path: Path, rate: int) -> None:
    seconds = 2.5 * BLOCK_SECONDS
    soundfile.write(tmp_path / "a.flac", tone(rate, seconds), rate)
    blocks = list(read_blocks(tmp_path / "a.flac", 16_000))
    assert len(blocks) == 3
    joined = np.concatenate(blocks).astype(np.float64)[1000:-1000]
    t = (np.arange(len(joined)) + 1000) / 16_000
    assert np.abs(joined - 16_384 * np.sin(2 * np.pi * 440 * t)).max() < 20


def test_probe_gives_the_length(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", tone(22_050, 1.5), 22_050)
    assert probe(tmp_path / "a.flac") == pytest.approx(1.5, abs=1e-3)


def whole_wav(path: Path) -> bytes:
    soundfile.write(path, tone(16_000), 16_000)
    return path.read_bytes()


def problem(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_clip(path, 16_000)
    return str(caught.value)


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    assert problem(tmp_path / "a.wav") == "a.wav: the file is empty"


def test_a_text_file_named_wav(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("La la la")
    assert problem(tmp_path / "a.wav").startswith("a.wav: not audio that can be read")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    assert problem(tmp_path / "a.wav") == "a.wav: is not a regular file"


def test_a_missing_file(tmp_path: Path) -> None:
    assert "cannot be opened" in problem(tmp_path / "a.wav")


@pytest.mark.parametrize("suffix", [".wav", ".au", ".aiff", ".w64", ".rf64"])
def test_a_file_cut_short(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    data = whole_wav(path)
    path.write_bytes(data[: len(data) // 2])
    assert "cut short, 0.5" in problem(path)  # seconds; block formats lose a little more than half


def test_a_flac_cut_short(tmp_path: Path) -> None:
    data = whole_wav(tmp_path / "a.flac")
    (tmp_path / "a.flac").write_bytes(data[: len(data) // 2])
    assert "cut short" in problem(tmp_path / "a.flac") or "damaged" in problem(tmp_path / "a.flac")


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_cut_short(tmp_path: Path, subtype: str) -> None:
    path = tmp_path / "a.ogg"
    soundfile.write(path, tone(16_000, 3), 16_000, subtype)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert "cut short at" in problem(path)
    with pytest.raises(DataError, match="cut short"):
        probe(path)


def flac_that_promises(path: Path, frames: int) -> None:
    """Three seconds under a header with another number of frames; 0 means that it is not known."""
    soundfile.write(path, tone(16_000, 3), 16_000)
    data = bytearray(path.read_bytes())
    data[21:26] = (data[21] >> 4 << 36 | frames).to_bytes(5, "big")
    path.write_bytes(data)


def test_a_clip_that_is_too_long_is_rejected_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.flac", tone(16_000, 3), 16_000)
    monkeypatch.setattr(decode, "LONGEST_CLIP_SECONDS", 2)
    monkeypatch.setattr(sources, "_blocks", lambda *_: pytest.fail("decoded"))
    assert problem(tmp_path / "a.flac") == "a.flac: lasts 3 s or more, and a clip at most 2 s"


def test_a_flac_that_holds_less_than_it_promises_is_cut_short(tmp_path: Path) -> None:
    flac_that_promises(tmp_path / "a.flac", 16_000 * (LONGEST_CLIP_SECONDS + 1))
    assert problem(tmp_path / "a.flac") == "a.flac: cut short at 3.00 s, 10798.00 s of sound are missing"


def test_a_clip_longer_than_promised_is_rejected_as_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "LONGEST_CLIP_SECONDS", 1)
    flac_that_promises(tmp_path / "a.flac", 0)
    assert "lasts 3 s or more, and a clip at most 1 s" in problem(tmp_path / "a.flac")


def test_a_clip_of_the_greatest_length_is_read_and_blocks_have_no_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.flac", tone(22_050, 3), 22_050)
    monkeypatch.setattr(decode, "LONGEST_CLIP_SECONDS", 3)
    clip = read_clip(tmp_path / "a.flac", 16_000)
    monkeypatch.setattr(decode, "LONGEST_CLIP_SECONDS", 2)
    assert np.array_equal(np.concatenate(list(read_blocks(tmp_path / "a.flac", 16_000))), clip)
    assert "lasts 3 s or more" in problem(tmp_path / "a.flac")


def test_only_a_header(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(whole_wav(tmp_path / "a.wav")[:44])
    assert "cut short, all of the sound is missing" in problem(tmp_path / "a.wav")


def test_a_streamed_wav_whose_header_knows_no_length_is_whole(tmp_path: Path) -> None:
    data = bytearray(whole_wav(tmp_path / "a.wav"))
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    (tmp_path / "a.wav").write_bytes(data)
    assert len(read_clip(tmp_path / "a.wav", 16_000)) == 16_000


def test_no_samples(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.empty(0), 16_000)
    assert problem(tmp_path / "a.wav") == "a.wav: holds no samples"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_numbers(tmp_path: Path, value: float) -> None:
    samples = tone(16_000)
    samples[9000] = value
    soundfile.write(tmp_path / "a.wav", samples, 16_000, "FLOAT")
    assert problem(tmp_path / "a.wav") == "a.wav: holds values that are not numbers"


@pytest.mark.parametrize("rate", [1, 10_000_000])
def test_an_impossible_sample_rate(tmp_path: Path, rate: int) -> None:
    data = bytearray(whole_wav(tmp_path / "a.wav"))
    data[24:28] = rate.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    assert "not a usable sample rate" in problem(tmp_path / "a.wav")


@pytest.mark.gtzan
def test_real_clips_decode_to_half_a_minute(gtzan: Path) -> None:
    for path in sorted((gtzan / "audio").glob("*/*.flac"))[::20]:
        assert len(read_clip(path, 16_000)) == pytest.approx(480_000, abs=2000)
