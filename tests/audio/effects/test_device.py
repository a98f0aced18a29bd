"""The profile of a device: measured from recordings, stored, and applied to windows of training."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.audio.effects.augment import augment_window
from ei_toolkit.audio.effects.conditions import to_int16
from ei_toolkit.audio.effects.device import (
    BANDS_HZ,
    DeviceProfile,
    apply_profile,
    band_powers,
    combine,
    measure_response,
)
from ei_toolkit.config import AugmentSettings
from ei_toolkit.errors import ConfigurationError

RATE = 16_000
OCTAVES = np.log2(np.array(BANDS_HZ) / 1000)


def noise(seconds: float, dbfs: float, seed: int) -> Any:
    rms = 32768 * 10 ** (dbfs / 20)
    return np.random.default_rng(seed).normal(size=round(seconds * RATE)) * rms


def recorded(sound: Any, gain_db: float, tilt_db: float) -> Any:
    """The sound with a gain at 1 kHz, and a tilt in dB an octave."""
    hz = np.maximum(np.fft.rfftfreq(len(sound), 1 / RATE), 50)
    return np.fft.irfft(np.fft.rfft(sound) * 10 ** ((gain_db + tilt_db * np.log2(hz / 1000)) / 20), len(sound))


def measured(gain_db: float = -6, tilt_db: float = -2, noise_dbfs: float = -70, clips: int = 3) -> DeviceProfile:
    responses = []
    for seed in range(clips):
        original = noise(4, -20, seed)
        own = noise(4, noise_dbfs, seed + 100)
        silence = noise(1, noise_dbfs, seed + 200)
        responses.append(
            measure_response(
                to_int16(original), to_int16(recorded(original, gain_db, tilt_db) + own), to_int16(silence), RATE
            )
        )
    return combine(responses, "nano33ble", "0123")


def test_level_tilt_bands_and_noise_are_measured() -> None:
    found = measured()
    assert found.tilt_db_per_octave == pytest.approx(-2, abs=0.1)
    assert found.level_db == pytest.approx(-6 - 2 * OCTAVES.mean(), abs=0.3)
    np.testing.assert_allclose(found.gain_db, -2 * (OCTAVES - OCTAVES.mean()), atol=0.8)
    assert max(found.spread_db) < 1
    white = 10 * np.log10(sum(np.array(BANDS_HZ) * (2 ** (1 / 6) - 2 ** (-1 / 6))) / (RATE / 2))
    assert found.noise_dbfs == pytest.approx(-70 + white, abs=0.7)
    assert (found.clips, found.board, found.firmware) == (3, "nano33ble", "0123")


def test_bands_below_the_noise_say_nothing_about_the_response() -> None:
    found = measured(gain_db=-50, tilt_db=-6, noise_dbfs=-70)
    assert np.isfinite(found.gain_db).all()
    assert found.tilt_db_per_octave < -4
    with pytest.raises(ConfigurationError, match="no band of the recordings is above the noise"):
        combine([measure_response(np.ones(8000, np.int16), np.zeros(8000, np.int16), np.zeros(4000, np.int16), RATE)])


def test_the_power_of_a_band_is_that_of_its_sound() -> None:
    tone = 1000 * np.sqrt(2) * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    powers = band_powers(to_int16(tone), RATE)
    assert powers[BANDS_HZ.index(1000)] == pytest.approx(1000**2, rel=0.02)
    assert powers.sum() == pytest.approx(1000**2, rel=0.02)


def test_a_window_sounds_as_the_device_records_it() -> None:
    profile = replace(measured(), spread_db=(0.0,) * len(BANDS_HZ))
    window = noise(4, -20, 9).astype(np.float32)
    changed = apply_profile(window, RATE, profile, np.random.default_rng(1))
    gains = 10 * np.log10(band_powers(to_int16(changed), RATE) / band_powers(to_int16(window), RATE))
    np.testing.assert_allclose(gains - gains.mean(), profile.gain_db, atol=0.8)
    assert np.sqrt(np.mean(np.square(changed))) == pytest.approx(np.sqrt(np.mean(np.square(window))), rel=1e-3)
    quiet = apply_profile(np.full(4 * RATE, 0, np.float32), RATE, profile, np.random.default_rng(1))
    assert not quiet.any()


def test_the_noise_of_the_device_is_added() -> None:
    profile = replace(measured(noise_dbfs=-30), spread_db=(0.0,) * len(BANDS_HZ))
    tone = (5000 * np.sin(2 * np.pi * 1000 * np.arange(4 * RATE) / RATE)).astype(np.float32)
    changed = band_powers(to_int16(apply_profile(tone, RATE, profile, np.random.default_rng(1))), RATE)
    band = BANDS_HZ.index(4000)
    below_db = 10 * np.log10(changed[band] / changed.sum())
    assert below_db == pytest.approx(
        profile.noise_db[band] - 10 * np.log10(1 + sum(10 ** (np.array(profile.noise_db) / 10))), abs=1
    )


def test_a_profile_is_stored_and_used_by_augmentation(tmp_path: Path) -> None:
    file = tmp_path / "board.json"
    measured().write(file)
    assert DeviceProfile.read(file) == measured()
    settings = AugmentSettings(copies=1, gain_db=0, noise_snr_db=(), profile=str(file))
    window = to_int16(noise(3, -20, 5))
    changed, description = augment_window(window, RATE, settings, np.random.default_rng(1))
    assert description == "device"
    low, high = BANDS_HZ.index(200), BANDS_HZ.index(5000)
    ratio = band_powers(changed, RATE) / band_powers(window, RATE)
    assert 10 * np.log10(ratio[low] / ratio[high]) > 5


@pytest.mark.parametrize(
    "change",
    [
        {"gain_db": [1]}, {"gain_db": None}, {"bands_hz": ["a"]}, {"bands_hz": list(BANDS_HZ[::-1])},
        {"noise_db": [1e9] * len(BANDS_HZ)}, {"clips": None}, {"tilt_db_per_octave": "steep"},
    ],
)  # fmt: skip
def test_a_file_that_is_no_profile_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    file = tmp_path / "board.json"
    measured(clips=1).write(file)
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(ConfigurationError, match=r"board\.json is not the profile of a device"):
        DeviceProfile.read(file)


def test_a_missing_profile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.json is not the profile of a device"):
        DeviceProfile.read(tmp_path / "gone.json")
