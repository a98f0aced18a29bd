from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.audio.silence import sound_stretches

RATE = 1000  # one sample for each millisecond


def signal(*parts: tuple[str, int]) -> np.ndarray:
    """Join parts of noise ("sound") and zeros ("pause") of so many milliseconds."""
    random = np.random.default_rng(0)
    whole = [random.integers(-3000, 3000, n) if kind == "sound" else np.zeros(n) for kind, n in parts]
    return np.concatenate(whole).astype(np.int16)


def test_a_signal_without_pauses_is_one_stretch() -> None:
    assert sound_stretches(signal(("sound", 2000)), RATE) == [(0, 2000)]


def test_long_silence_at_both_ends_is_left_out_but_for_a_margin() -> None:
    assert sound_stretches(signal(("pause", 1000), ("sound", 600), ("pause", 1000)), RATE) == [(900, 1700)]


def test_a_long_pause_separates_and_a_short_one_does_not() -> None:
    assert sound_stretches(signal(("sound", 1000), ("pause", 400), ("sound", 1000)), RATE) == [(0, 2400)]
    assert sound_stretches(signal(("sound", 1000), ("pause", 1000), ("sound", 1000)), RATE) == [(0, 1100), (1900, 3000)]


@pytest.mark.parametrize("samples", [signal(("pause", 5000)), np.empty(0, np.int16)])
def test_silence_has_no_stretch(samples: np.ndarray) -> None:
    assert sound_stretches(samples, RATE) == []


def test_noise_below_60_dbfs_is_silence() -> None:
    quiet = np.tile(np.array([20, -20], np.int16), 1000)  # -64 dBFS
    assert sound_stretches(quiet, RATE) == []
    assert sound_stretches(np.tile(np.array([60, -60], np.int16), 1000), RATE) == [(0, 2000)]  # -55 dBFS


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100])
def test_the_last_sample_is_kept_at_any_rate(rate: int) -> None:
    samples = signal(("sound", 3 * rate + 7))
    assert sound_stretches(samples, rate) == [(0, len(samples))]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["sound", "pause"]), st.integers(1, 60)), min_size=1, max_size=8))
def test_no_sound_is_lost_and_no_stretch_overlaps_another(parts: list[tuple[str, int]]) -> None:
    samples = signal(*((kind, 20 * frames) for kind, frames in parts))
    found = sound_stretches(samples, RATE)
    covered = np.zeros(len(samples), bool)
    for start, end in found:
        covered[start:end] = True
    assert not samples[~covered].any()
    assert all(end <= start for (_, end), (start, _) in pairwise(found))
