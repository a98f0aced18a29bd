"""The peak of a clip at full scale, and a clip without the silence at both ends."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from ei_toolkit.audio.clip_level import full_scale, sound_ends, without_silent_ends


def faded(seed: int, samples: int = 30_000) -> np.ndarray:
    """Noise that fades in and out over a range of 90 dB, between stretches of silence of random length."""
    random = np.random.default_rng(seed)
    envelope = 10 ** (-90 / 20 * np.abs(np.linspace(-1, 1, samples)) ** random.uniform(1, 6))
    sound = np.rint(random.normal(size=samples) * envelope * 8000).astype(np.int16)
    return np.pad(sound, random.integers(0, 20_000, 2))


@pytest.mark.parametrize("seed", range(8))
def test_the_ends_are_those_of_librosa(seed: int) -> None:
    samples = faded(seed)
    _, expected = librosa.effects.trim(samples.astype(np.float32))
    assert sound_ends(samples) == tuple(expected)
    np.testing.assert_array_equal(without_silent_ends(samples), samples[slice(*expected)])


def test_silence_stays_as_it_is() -> None:
    silence = np.zeros(1000, np.int16)
    assert sound_ends(silence) == (0, 1000)
    np.testing.assert_array_equal(full_scale(silence), silence)
    assert len(without_silent_ends(np.zeros(0, np.int16))) == 0


@pytest.mark.parametrize(("peak", "expected"), [(100, 32767), (-100, -32767), (-32768, -32767)])
def test_the_peak_is_set_to_full_scale(peak: int, expected: int) -> None:
    samples = np.array([0, peak, peak // 2], np.int16)
    assert full_scale(samples)[1] == expected
