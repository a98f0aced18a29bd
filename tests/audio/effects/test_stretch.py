from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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


@settings(max_examples=30)
@given(st.integers(1, 6000), st.floats(0.5, 1.5), st.integers(0, 100))
def test_a_stretched_signal_has_the_length_of_the_rate_and_no_wild_values(n: int, rate: float, seed: int) -> None:
    signal = np.random.default_rng(seed).normal(0, 1000, n).astype(np.float32)
    stretched = time_stretch(signal, rate)
    assert abs(len(stretched) - n / rate) <= 512
    assert np.isfinite(stretched).all()
    assert np.abs(stretched).max(initial=0) <= 6 * np.abs(signal).max()


@settings(max_examples=20)
@given(st.integers(1, 6000), st.floats(-12, 12))
def test_pitch_changes_a_signal_of_any_length_without_changing_it(n: int, semitones: float) -> None:
    moved = pitch_shift(np.random.default_rng(n).normal(0, 1000, n).astype(np.float32), semitones)
    assert moved.shape == (n,) and moved.dtype == np.float32 and np.isfinite(moved).all()


def test_silence_stays_silent() -> None:
    silent = np.zeros(5000, np.float32)
    assert not time_stretch(silent, 1.1).any() and not pitch_shift(silent, 3.0).any()


def test_an_octave_up_and_down_again_is_the_same_tone(peak_hz: Peak) -> None:
    there_and_back = pitch_shift(pitch_shift(TONE, 12.0), -12.0)
    assert peak_hz(there_and_back, RATE) == pytest.approx(440, abs=1.5)


@pytest.mark.parametrize("rate", [0.8, 1.25])
def test_a_sound_in_the_middle_stays_in_the_middle(rate: float) -> None:
    burst = TONE.copy()
    burst[:20_000] = burst[28_000:] = 0
    power = time_stretch(burst, rate).astype(float) ** 2
    centre = np.average(np.arange(len(power)), weights=power)
    assert centre == pytest.approx(24_000 / rate, rel=0.02)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=12), st.integers(1, 12))
def test_fit_keeps_the_beginning_and_mirrors_the_end(values: list[int], n: int) -> None:
    signal = np.array(values, np.float32)
    there_and_back = values + values[::-1]
    assert fit(signal, n).tolist() == (there_and_back * n)[:n]
