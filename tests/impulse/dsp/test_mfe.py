"""MFE and spectrogram: levels against a plain computation of one frame, and the faults that are kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.dsp import mfe
from ei_toolkit.impulse.dsp.spectrum import filterbank

ONE_FRAME = {"frame_length": 0.016, "frame_stride": 0.016, "fft_length": 256}


def sine(amplitude: float, hertz: float = 1000.0, n: int = 256) -> np.ndarray:
    return np.rint(amplitude * np.sin(2 * np.pi * hertz * np.arange(n) / 16_000))


def mfe_frame(samples: np.ndarray, filters: int, floor_db: int) -> list[float]:
    """One frame of version 4 in plain steps, with the corners of the triangles from the tables."""
    scaled = (samples / 32768).astype(np.float32)
    emphasised = scaled - np.float32(0.98) * np.concatenate([scaled[-1:], scaled[:-1]])
    power = np.abs(np.fft.rfft(emphasised.astype(np.float64))) ** 2 / 256
    edges = dsp.tables("mfe", 16_000, 4, num_filters=filters, **ONE_FRAME)["mel_edges"]
    found = []
    for left, middle, right in zip(edges, edges[1:], edges[2:], strict=False):
        triangle = np.interp(np.arange(129), [left, middle, right], [0, 1, 0])
        level = (10 * math.log10(max(power @ triangle, 1e-10)) - floor_db) / (12 - floor_db)
        found.append(math.floor(min(max(level, 0), 1) * 256 + 0.5) % 256 / 256)
    return found


@pytest.mark.parametrize("floor_db", [-52, -90])
def test_a_frame_is_that_of_the_plain_computation(floor_db: int) -> None:
    samples = np.random.default_rng(2).integers(-3000, 3000, 256)
    found = dsp.run("mfe", samples, 16_000, 4, num_filters=20, noise_floor_db=floor_db, **ONE_FRAME)
    assert found.tolist() == mfe_frame(samples, 20, floor_db)
    assert found.any()


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(0, 32767))
def test_features_are_multiples_of_a_step_below_1(seed: int, amplitude: int) -> None:
    samples = np.random.default_rng(seed).integers(-amplitude, amplitude + 1, 256)
    steps = dsp.run("mfe", samples, 16_000, 4, num_filters=16, **ONE_FRAME) * 256
    assert (steps == np.rint(steps)).all()
    assert steps.min() >= 0 and steps.max() <= 255


def test_the_loudest_band_wraps_to_0_as_in_the_published_block() -> None:
    quiet, loud = (dsp.run("mfe", sine(amplitude), 16_000, 4, noise_floor_db=-52, **ONE_FRAME).max()
                   for amplitude in (3000, 32_000))  # fmt: skip
    band = dsp.run("mfe", sine(3000), 16_000, 4, **ONE_FRAME).argmax()
    very_loud = np.where(np.arange(256) % 2, 32767, -32768)  # the highest frequency at full scale
    wrapped = dsp.run("mfe", very_loud, 16_000, 4, noise_floor_db=-52, **ONE_FRAME)
    assert 0 < quiet < loud < 1
    assert band > 0
    assert wrapped[-1] == 0


def test_silence_is_0_above_the_floor_of_the_arithmetic() -> None:
    assert not dsp.run("mfe", np.zeros(256), 16_000, 4, **ONE_FRAME).any()
    assert not dsp.run("spectrogram", np.zeros(256), 16_000, 4, **ONE_FRAME).any()


def test_one_mel_band_is_too_few() -> None:
    with pytest.raises(ConfigurationError, match="num_filters = 1: must be at least 2") as caught:
        dsp.run("mfe", np.zeros(256), 16_000, 4, num_filters=1, **ONE_FRAME)
    assert caught.value.hint == "Set num_filters to at least 2."


def test_the_size_of_the_normalisation_window_of_mfe_has_no_effect() -> None:
    samples = np.random.default_rng(3).integers(-3000, 3000, 8000)
    one, other = (dsp.run("mfe", samples, 16_000, 4, win_size=size) for size in (0, 500))
    assert np.array_equal(one, other)


@given(st.integers(-100, -1), st.integers(100, 30_000))
def test_a_level_of_the_spectrogram_is_the_decibels_over_the_floor(floor_db: int, amplitude: int) -> None:
    samples = sine(amplitude)
    found = dsp.run("spectrogram", samples, 16_000, 4, noise_floor_db=floor_db, **ONE_FRAME)
    power = np.abs(np.fft.rfft(samples)) ** 2 / 256
    expected = (10 * np.log10(np.maximum(power, 1e-30)) - floor_db) / (12 - floor_db)
    assert found == pytest.approx(np.maximum(expected, 0), abs=1e-6)


def test_version_3_of_the_spectrogram_scales_16_bit_samples_and_clips_at_1() -> None:
    whole, scaled = sine(20_000), sine(20_000) / 32768
    one, other = (dsp.run("spectrogram", data, 16_000, 3, **ONE_FRAME) for data in (whole, scaled.astype(np.float32)))
    assert one == pytest.approx(other, abs=1e-6)
    assert dsp.run("spectrogram", whole, 16_000, 4, **ONE_FRAME).max() > 1 >= one.max()


@pytest.mark.parametrize("version", [1, 2])
def test_versions_1_and_2_fill_the_range_from_0_to_1_whatever_the_floor(version: int) -> None:
    samples = np.random.default_rng(4).integers(-3000, 3000, 1024)
    high, low = (dsp.run("spectrogram", samples, 16_000, version, noise_floor_db=db, **ONE_FRAME) for db in (-5, -90))
    assert np.array_equal(high, low)
    assert (low.min(), low.max()) == (0, 1)
    assert np.array_equal(dsp.run("spectrogram", samples * 4.0, 16_000, version, **ONE_FRAME), low)


@pytest.mark.parametrize("version", [1, 2])
def test_a_constant_spectrum_of_an_old_version_is_0_and_not_a_division_by_0(version: int) -> None:
    assert not dsp.run("spectrogram", np.zeros(1024), 16_000, version, **ONE_FRAME).any()


def test_the_filters_of_a_block_are_computed_once_for_many_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(*arguments: Any) -> Any:
        made.append(arguments)
        return filterbank(*arguments)

    monkeypatch.setattr(mfe, "filterbank", counted)
    windows = np.random.default_rng(5).normal(0, 1000, (3, 4000))
    found = [dsp.run("mfe", window, 16000.0, 4, num_filters=29, fft_length=512) for window in windows]
    assert len(made) == 1
    np.testing.assert_array_equal(found, dsp.run_many("mfe", windows, 16000.0, 4, num_filters=29, fft_length=512))
