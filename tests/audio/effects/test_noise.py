from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.audio.effects.noise import RUMBLE_HZ, Colour, add_noise, coloured, recorded, rms
from ei_toolkit.errors import ConfigurationError

N, RATE = 48_000, 16_000


def octave_db(noise: np.ndarray, hz: float) -> float:
    power = np.abs(np.fft.rfft(noise)) ** 2
    at = np.fft.rfftfreq(len(noise), 1 / RATE)
    return float(10 * np.log10(power[(at >= hz) & (at < 2 * hz)].sum()))


@pytest.mark.parametrize("colour", ["white", "pink", "rumble"])
def test_noise_has_unit_rms(colour: str) -> None:
    noise = coloured(colour, N, RATE, np.random.default_rng(3))  # type: ignore[arg-type]
    assert noise.dtype == np.float32
    assert rms(noise) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("colour", "per_octave"), [("white", 3.0), ("pink", 0.0)])
def test_octaves_of_white_noise_grow_and_of_pink_noise_are_equal(colour: str, per_octave: float) -> None:
    noise = coloured(colour, 10 * N, RATE, np.random.default_rng(3))  # type: ignore[arg-type]
    levels = [octave_db(noise, hz) for hz in (250, 500, 1000, 2000, 4000)]
    assert np.diff(levels) == pytest.approx([per_octave] * 4, abs=0.5)


def test_rumble_lies_below_120_hz() -> None:
    noise = coloured("rumble", N, RATE, np.random.default_rng(3))
    power = np.abs(np.fft.rfft(noise)) ** 2
    assert power[: 121 * N // RATE].sum() > 0.999 * power.sum()


@pytest.mark.parametrize("snr_db", [30.0, 10.0, 5.0, -5.0])
def test_the_ratio_is_the_one_asked_for_whatever_the_offset(snr_db: float) -> None:
    signal = (1000 * np.sin(np.arange(N) / 7) + 5000).astype(np.float32)
    noise = coloured("white", N, RATE, np.random.default_rng(4))
    added = add_noise(signal, noise, snr_db) - signal
    assert 20 * np.log10(rms(signal - signal.mean()) / rms(added)) == pytest.approx(snr_db, abs=0.1)


def test_recorded_noise_comes_from_the_folder(tmp_path: Path) -> None:
    hum = 0.2 * np.sin(2 * np.pi * 50 * np.arange(8000) / 8000)
    soundfile.write(tmp_path / "hum.wav", hum, 8000)
    piece, name = recorded(tmp_path, N, RATE, np.random.default_rng(5))  # longer than the recording
    assert name == "hum"
    assert len(piece) == N
    assert rms(piece) == pytest.approx(1, abs=1e-3)


def test_a_folder_without_recordings(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no recordings"):
        recorded(tmp_path, N, RATE, np.random.default_rng(5))


def test_a_noise_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a sound")
    with pytest.raises(ConfigurationError, match=r"the noise notes\.txt cannot be used"):
        recorded(tmp_path, N, RATE, np.random.default_rng(5))


@pytest.mark.parametrize("colour", ["pink", "rumble"])
@given(n=st.integers(1, 3000), rate=st.sampled_from([8000, 16_000, 44_100]))
def test_noise_of_any_length_has_unit_rms_or_is_silent(colour: Colour, n: int, rate: int) -> None:
    noise = coloured(colour, n, rate, np.random.default_rng(n))
    highest = RUMBLE_HZ if colour == "rumble" else rate / 2 + 1
    has_a_frequency = any(10 <= k * rate / n < highest for k in range(1, n // 2 + 1))
    assert noise.shape == (n,)
    assert rms(noise) == pytest.approx(float(has_a_frequency), abs=1e-3)


def test_one_generator_gives_the_same_noise_again_and_then_another() -> None:
    once, again = (np.random.default_rng(9) for _ in range(2))
    first = coloured("pink", 1000, RATE, once)
    assert np.array_equal(first, coloured("pink", 1000, RATE, again))
    assert not np.array_equal(first, coloured("pink", 1000, RATE, once))


def test_silence_stays_silent_under_noise_whatever_its_offset() -> None:
    noise = coloured("white", 1000, RATE, np.random.default_rng(1))
    for offset in (0.0, 500.0):
        silent = np.full(1000, offset, np.float32)
        assert np.array_equal(add_noise(silent, noise, 5.0), silent)


def test_the_level_of_no_sample_is_zero() -> None:
    assert rms(np.empty(0, np.float32)) == 0
    assert rms(np.array([3, -4], np.float32)) == pytest.approx(12.5**0.5)


def write_tone(file: Path, hertz: float, seconds: float = 1.0, rate: int = 8000) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, 0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate), rate)


def test_each_recording_below_the_folder_is_chosen_and_hidden_files_are_not(tmp_path: Path) -> None:
    write_tone(tmp_path / "kitchen" / "fridge.wav", 50)
    write_tone(tmp_path / "street.flac", 300)
    (tmp_path / ".DS_Store").write_bytes(b"no sound")
    random = np.random.default_rng(6)
    assert {recorded(tmp_path, 100, RATE, random)[1] for _ in range(30)} == {"fridge", "street"}


def test_a_piece_begins_anywhere_and_goes_on_at_the_start_of_the_recording(tmp_path: Path) -> None:
    ramp = np.linspace(-0.5, 0.5, 4000)
    soundfile.write(tmp_path / "ramp.wav", ramp, RATE)
    starts = set()
    for seed in range(8):
        piece, _ = recorded(tmp_path, 6000, RATE, np.random.default_rng(seed))
        starts.add(float(piece[0]))
        assert np.sum(np.diff(piece) < -0.5) in (1, 2)  # the jump from the end to the start
        assert piece[:2000] == pytest.approx(piece[4000:6000], abs=1e-6)
    assert len(starts) == 8


def test_a_silent_recording_adds_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(8000), RATE)
    piece, name = recorded(tmp_path, 100, RATE, np.random.default_rng(1))
    assert name == "silence" and not piece.any()


def test_only_the_first_minutes_of_a_long_recording_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ei_toolkit.audio.effects.noise.KEPT_SECONDS", 1)
    soundfile.write(tmp_path / "long.wav", np.r_[np.full(8000, 0.5), np.full(24_000, -0.5)], 8000)
    piece, _ = recorded(tmp_path, 20_000, 8000, np.random.default_rng(1))
    assert (piece > 0).all()


def test_an_empty_folder_and_a_damaged_recording_have_a_next_step(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError) as caught:
        recorded(tmp_path / "empty", N, RATE, np.random.default_rng(5))
    assert caught.value.hint == "Correct [slice.augment] noise_files."
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "x.wav").write_bytes(b"RIFF")
    with pytest.raises(ConfigurationError) as caught:
        recorded(tmp_path / "broken", N, RATE, np.random.default_rng(5))
    assert caught.value.hint == "Remove it from [slice.augment] noise_files."
