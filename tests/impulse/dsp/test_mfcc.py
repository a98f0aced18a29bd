"""MFCC: the transform against SciPy's, the normalisation against a plain loop, and the options."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.fft import dct

from ei_toolkit.impulse import dsp

SAMPLES = np.random.default_rng(5).integers(-9000, 9000, 16_000)
SHORT = {"frame_length": 0.032, "frame_stride": 0.032, "fft_length": 512, "num_filters": 20}


def coefficients(samples: np.ndarray, **params: float) -> np.ndarray:
    """MFCC features, (frames, coefficients)."""
    shape = dsp.output_shape("mfcc", len(samples), 16_000, 4, **params)
    return dsp.run("mfcc", samples, 16_000, 4, **params).reshape(shape)


def test_the_matrix_of_the_transform_is_scipys() -> None:
    matrix = dsp.tables("mfcc", 16_000, 4, num_filters=24, num_cepstral=10)["dct"]
    assert matrix == pytest.approx(dct(np.eye(24), norm="ortho", axis=0)[:10], abs=1e-14)


def test_without_normalisation_a_frame_is_the_transform_of_its_log_energies() -> None:
    found = coefficients(SAMPLES, win_size=0, pre_cof=0, num_cepstral=13, **SHORT)
    edges = dsp.tables("mfcc", 16_000, 4, **SHORT)["mel_edges"]
    triangles = [np.interp(np.arange(257), edges[i : i + 3], [0, 1, 0]) for i in range(20)]
    for frame in (0, 7, len(found) - 1):
        power = np.abs(np.fft.rfft(SAMPLES[512 * frame : 512 * (frame + 1)].astype(float))) ** 2 / 512
        expected = dct(np.log([power @ triangle for triangle in triangles]), norm="ortho")[:13]
        expected[0] = math.log(power.sum())
        assert found[frame] == pytest.approx(expected, abs=1e-9)


def mirrored(values: list[float], index: int) -> float:
    """A value before the start or after the end: that of the mirrored sequence, whose ends occur twice."""
    while not 0 <= index < len(values):
        index = -index - 1 if index < 0 else 2 * len(values) - 1 - index
    return values[index]


@pytest.mark.parametrize("size", [3, 31, 101])
def test_normalisation_divides_the_distance_to_the_local_mean_by_the_local_deviation(size: int) -> None:
    raw = coefficients(SAMPLES, win_size=0, **SHORT)
    found = coefficients(SAMPLES, win_size=size, **SHORT)
    half = (size - 1) // 2
    for column in (0, 5):
        values = raw[:, column].tolist()
        around = [[mirrored(values, i + j) for j in range(-half, half + 1)] for i in range(len(values))]
        centred = [value - sum(near) / size for value, near in zip(values, around, strict=True)]
        near = [[mirrored(centred, i + j) for j in range(-half, half + 1)] for i in range(len(values))]
        expected = [value / np.std(window) for value, window in zip(centred, near, strict=True)]
        assert found[:, column] == pytest.approx(expected, abs=1e-3)


def test_gain_changes_nothing_after_normalisation_but_rounding() -> None:
    quiet, loud = (coefficients(SAMPLES * gain, **SHORT) for gain in (1, 3))
    assert np.abs(quiet - loud).max() < 1e-3


@pytest.mark.parametrize("size", [0, -1])
def test_a_size_of_0_or_less_means_no_normalisation(size: int) -> None:
    assert np.array_equal(coefficients(SAMPLES, win_size=size, **SHORT), coefficients(SAMPLES, win_size=0, **SHORT))


@pytest.mark.parametrize("count", [1, 13, 20])
def test_from_one_coefficient_up_to_one_for_each_filter_may_be_kept(count: int) -> None:
    few, all_of_them = (coefficients(SAMPLES, win_size=0, num_cepstral=n, **SHORT) for n in (count, 20))
    assert few == pytest.approx(all_of_them[:, :count], abs=1e-12)


def test_the_distance_of_the_pre_emphasis_is_a_parameter() -> None:
    near = coefficients(SAMPLES, pre_shift=1, win_size=0, **SHORT)
    far = coefficients(SAMPLES, pre_shift=5, win_size=0, **SHORT)
    rolled = coefficients(SAMPLES - 0.98 * np.roll(SAMPLES, 5), pre_cof=0, win_size=0, **SHORT)
    assert far == pytest.approx(rolled, abs=1e-9)
    assert np.abs(near - far).max() > 0.1


def test_silence_has_finite_coefficients() -> None:
    assert np.isfinite(coefficients(np.zeros(16_000), **SHORT)).all()
