from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from ei_toolkit.audio.effects.noise import add_noise, coloured, recorded, rms
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
