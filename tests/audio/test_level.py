from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ei_toolkit.audio.level import apply_level, level_constants

INT16 = st.integers(-32768, 32767)


def plain(samples: list[int], target: int, max_gain_q16: int) -> list[int]:
    """The arithmetic as the contract with the sketch spells it, in Python's unbounded integers."""
    n = len(samples)
    mean = (sum(samples) + n // 2) // n
    d = [x - mean for x in samples]
    rms_q8 = math.isqrt((sum(v * v for v in d) << 16) // n)
    gain = min(max_gain_q16, (target << 24) // max(rms_q8, 1))
    return [max(-32768, min(32767, (v * gain + 32768) >> 16)) for v in d]


@given(st.lists(INT16, min_size=1, max_size=300), st.floats(-40, -3), st.floats(0, 60))
def test_rms_is_the_integer_arithmetic_of_the_sketch(samples: list[int], dbfs: float, gain_db: float) -> None:
    constants = level_constants(dbfs, gain_db)
    expected = plain(samples, constants.target, constants.max_gain_q16)
    assert apply_level(np.array(samples, np.int16), "rms", dbfs, gain_db).tolist() == expected


@pytest.mark.parametrize("extreme", [-32768, 32767])
def test_no_sum_overflows_in_a_full_window(extreme: int) -> None:
    samples = np.full(48_000, extreme, np.int16)
    samples[::2] = -extreme - 1
    constants = level_constants(-20, 40)
    assert apply_level(samples, "rms").tolist() == plain(samples.tolist(), constants.target, constants.max_gain_q16)


@pytest.mark.parametrize("gain", [0.02, 0.1, 1.0, 4.0])
def test_rms_brings_every_loudness_to_the_target(gain: float, music: NDArray[np.int16]) -> None:
    amplified = (music * gain).astype(np.int16)
    levelled = apply_level(amplified, "rms", -20.0, 40.0).astype(np.float64)
    assert 20 * np.log10(levelled.std() / 32768) == pytest.approx(-20, abs=0.1)


def test_gain_is_bounded_so_that_near_silence_stays_quiet() -> None:
    almost_silent = np.tile(np.array([1, -1], np.int16), 1000)
    assert np.abs(apply_level(almost_silent, "rms", -20.0, 40.0)).max() == 100


def test_dc_removes_the_offset_by_itself(music: NDArray[np.int16]) -> None:
    levelled = apply_level(music + np.int16(500), "dc")
    assert abs(int(levelled.sum())) < len(levelled)
    assert np.array_equal(np.diff(levelled), np.diff(music))


def test_none_changes_nothing(music: NDArray[np.int16]) -> None:
    assert apply_level(music, "none") is music


def test_an_empty_window_stays_empty() -> None:
    assert len(apply_level(np.empty(0, np.int16), "rms")) == 0


@given(st.lists(INT16, min_size=1, max_size=200), st.integers(-300, 300))
def test_a_constant_offset_does_not_change_a_levelled_window(samples: list[int], offset: int) -> None:
    window = np.array(samples, np.int16) // 2
    moved = (window + offset).astype(np.int16)
    for level in ("dc", "rms"):
        assert np.array_equal(apply_level(window, level), apply_level(moved, level))  # type: ignore[arg-type]


@given(st.lists(INT16, min_size=1, max_size=200))
def test_the_mean_of_a_window_without_its_offset_is_within_half_a_step_of_zero(samples: list[int]) -> None:
    window = np.array(samples, np.int64) // 2
    assert abs(apply_level(window.astype(np.int16), "dc").astype(int).mean()) <= 0.5


@pytest.mark.parametrize("value", [0, 1, -1, 32767, -32768])
def test_a_constant_window_becomes_silent(value: int) -> None:
    assert not apply_level(np.full(999, value, np.int16), "rms").any()


@pytest.mark.parametrize(
    ("dbfs", "gain_db", "target", "gain"), [(-20, 40, 3277, 6_553_600), (0, 0, 32768, 65_536), (-40, 6, 328, 130_762)]
)
def test_constants_of_the_sketch_are_rounded_from_decibels(dbfs: float, gain_db: float, target: int, gain: int) -> None:
    constants = level_constants(dbfs, gain_db)
    assert (constants.target, constants.max_gain_q16) == (target, gain)


def test_a_gain_above_full_scale_is_clipped_on_both_sides() -> None:
    spikes = np.zeros(10_000, np.int16)
    spikes[::100], spikes[50::100] = 3000, -3000
    levelled = apply_level(spikes, "rms", -3.0, 60.0)
    assert (levelled.max(), levelled.min()) == (32767, -32768)
