from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from ei_toolkit.audio.effects.stretch import fit, pitch_shift, time_stretch

Peak = Callable[[NDArray[np.float32], int], float]
RATE = 16_000
TONE = (8000 * np.sin(2 * np.pi * 440 * np.arange(48_000) / RATE)).astype(np.float32)


@pytest.mark.parametrize("rate", [0.8, 0.95, 1.0, 1.1, 1.4])
def test_tempo_changes_and_pitch_and_level_stay(rate: float, peak_hz: Peak) -> None:
    stretched = time_stretch(TONE, rate)
    assert len(stretched) == pytest.approx(48_000 / rate, abs=1)
    assert peak_hz(stretched, RATE) == pytest.approx(440, abs=1)
    assert stretched[4000:-4000].std() == pytest.approx(TONE.std(), rel=0.05)


def test_no_change_of_tempo_gives_the_signal_back() -> None:
    assert np.abs(time_stretch(TONE, 1.0)[4000:-4000] - TONE[4000:-4000]).max() < 0.02 * TONE.max()


@pytest.mark.parametrize("semitones", [-3.0, -0.5, 2.0, 7.0])
def test_pitch_changes_and_length_stays(semitones: float, peak_hz: Peak) -> None:
    moved = pitch_shift(TONE, semitones)
    assert len(moved) == len(TONE)
    assert peak_hz(moved, RATE) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.003)


def test_a_beat_stays_a_beat() -> None:
    clicks = np.zeros(48_000, np.float32)
    clicks[4000::8000] = 10_000
    stretched = np.abs(time_stretch(clicks, 1.25))
    for expected in np.arange(4000, 48_000, 8000) / 1.25:
        near = stretched[max(0, int(expected) - 400) : int(expected) + 400]
        assert near.max() > 5 * np.median(stretched + 1)


def test_fit_cuts_or_mirrors() -> None:
    ramp = np.arange(5, dtype=np.float32)
    assert fit(ramp, 3).tolist() == [0, 1, 2]
    assert fit(ramp, 7).tolist() == [0, 1, 2, 3, 4, 4, 3]
