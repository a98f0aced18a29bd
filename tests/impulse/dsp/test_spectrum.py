"""Power spectra and mel filters against their definitions, computed in another way."""

from __future__ import annotations

import cmath
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.dsp.framing import Framing
from ei_toolkit.impulse.dsp.spectrum import (
    FFT_LENGTHS,
    NOISE_FLOOR_RANGE,
    decibels,
    filterbank,
    mel_edges,
    power_spectrum,
    pre_emphasis,
)


def dft_power(samples: list[float], points: int, k: int) -> float:
    """|X[k]|² / points by the definition of the discrete Fourier transform."""
    total = sum(x * cmath.exp(-2j * math.pi * k * i / points) for i, x in enumerate(samples))
    return abs(total) ** 2 / points


@pytest.mark.parametrize(("length", "points"), [(16, 16), (10, 16), (20, 8)])
def test_power_is_that_of_the_definition_of_the_fourier_transform(length: int, points: int) -> None:
    window = np.random.default_rng(length).standard_normal((1, 50))
    found = power_spectrum(window, Framing(length, 7, 4), points)
    for frame in range(4):
        samples = window[0, 7 * frame : 7 * frame + length].tolist()[:points]
        expected = [dft_power(samples, points, k) for k in range(points // 2 + 1)]
        assert found[0, frame].tolist() == pytest.approx(expected, abs=1e-12)


def test_a_tone_has_its_power_in_its_bin() -> None:
    window = np.cos(2 * np.pi * 5 * np.arange(64) / 64)[None]
    power = power_spectrum(window, Framing(64, 64, 1), 64)[0, 0]
    assert power[5] == pytest.approx(64 / 4)
    assert np.delete(power, 5) == pytest.approx(np.zeros(32), abs=1e-20)


@given(st.floats(0, 1e30))
def test_decibels_are_ten_times_the_logarithm_and_bounded_below(power: float) -> None:
    expected = 10 * math.log10(max(power, 1e-30))
    assert decibels(np.array([power]))[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("shift", [1, 3])
def test_pre_emphasis_subtracts_an_earlier_sample_and_starts_with_the_end_of_the_window(shift: int) -> None:
    windows = np.array([[1.0, 2.0, 4.0, 8.0, 16.0], [5.0, 4.0, 3.0, 2.0, 1.0]])
    expected = [[row[i] - 0.5 * row[i - shift] for i in range(5)] for row in windows.tolist()]
    assert pre_emphasis(windows, 0.5, shift).tolist() == expected


@pytest.mark.parametrize("length", [-2, 0, 1, 3, 48, 8192, 2**40])
def test_an_fft_length_that_the_runtime_does_not_support_is_refused(length: int) -> None:
    with pytest.raises(ConfigurationError, match=f"^fft_length = {length}: must be a power of two from") as caught:
        dsp.run("mfe", np.zeros(256), 16_000, 4, fft_length=length)
    assert re.fullmatch(r"Set fft_length = (2|4|64|4096)\.", caught.value.hint)


def test_each_power_of_two_up_to_the_largest_is_an_fft_length() -> None:
    assert FFT_LENGTHS.values == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096]


def test_a_noise_floor_is_below_the_level_of_full_scale() -> None:
    assert 11 in NOISE_FLOOR_RANGE
    with pytest.raises(ConfigurationError, match="noise_floor_db = 12: must be below 12"):
        dsp.run("spectrogram", np.zeros(512), 16_000, 4, noise_floor_db=12)


@given(st.integers(2, 60), st.sampled_from([64, 256, 512]), st.sampled_from([8000.0, 16000.0, 44100.0]))
def test_corners_are_evenly_spaced_in_mel_from_the_lowest_to_the_highest_bin(
    filters: int, fft_length: int, rate: float
) -> None:
    edges = mel_edges(filters, fft_length, rate, 0, 0, 4)
    top = 1127 * math.log(1 + rate / 2 / 700)
    for i, edge in enumerate(edges[:-1].tolist()):
        hertz = 700 * (math.exp(top * i / (filters + 1) / 1127) - 1)
        assert abs(edge - math.floor((fft_length + 1) * hertz / rate)) <= (
            0 if _is_clear(fft_length, hertz, rate) else 1
        )
    assert edges[0] == 0 and edges[-1] == fft_length // 2
    assert np.all(np.diff(edges) >= 0)


def _is_clear(fft_length: int, hertz: float, rate: float) -> bool:
    """Whether a position is so far from a whole number that rounding errors cannot change its floor."""
    position = (fft_length + 1) * hertz / rate
    return abs(position - round(position)) > 1e-9


def test_version_3_places_the_corners_at_about_half_the_bins() -> None:
    third, fourth = (mel_edges(20, 256, 16_000, 300, 8000, version) for version in (3, 4))
    assert third[-1] == 64 and fourth[-1] == 128
    assert np.abs(2 * third - fourth).max() <= 2


@pytest.mark.parametrize(("low", "high"), [(0, 8001), (4000, 4000), (-1, 4000), (5000, 4000), (8000, 0)])
def test_a_band_that_cannot_be_is_refused_with_its_limits(low: float, high: float) -> None:
    with pytest.raises(ConfigurationError, match="do not fit together") as caught:
        mel_edges(10, 256, 16_000, low, high, 4)
    assert caught.value.why == "both must lie between 0 and 8000 Hz, the low one first"


def test_a_triangle_rises_to_1_at_its_middle_and_falls_to_0_at_the_next_corner() -> None:
    bank = filterbank(np.array([1, 3, 7, 8]), 16)
    assert bank.tolist() == [[0, 0, 0.5, 1, 0.75, 0.5, 0.25, 0, 0], [0, 0, 0, 0, 0.25, 0.5, 0.75, 1, 0]]


@given(st.lists(st.integers(0, 32), min_size=3, max_size=20, unique=True).map(sorted))
def test_triangles_that_follow_each_other_add_up_to_1_between_their_middles(corners: list[int]) -> None:
    bank = filterbank(np.array(corners), 64)
    total = bank.sum(axis=0)
    assert total[corners[1] : corners[-2] + 1] == pytest.approx(np.ones(corners[-2] - corners[1] + 1))
    assert not total[: corners[0]].any() and not total[corners[-1] + 1 :].any()


def test_a_filter_without_a_bin_has_a_message_with_the_numbers() -> None:
    with pytest.raises(ConfigurationError, match="contains all zeros") as caught:
        filterbank(np.array([2, 2, 2, 5]), 16)
    assert caught.value.why == "2 filters are too many for an FFT of 16 points in this band"
