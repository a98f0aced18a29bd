"""Texture features of log-mel spectra: what each block measures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import median_filter

from ei_toolkit.errors import DataError
from ei_toolkit.features.texture import joined, texture, texture_rows

FRAMES = 387
SIZES = {"bands": 256, "cepstrum": 80, "correlation": 780, "modulation": 176, "separation": 128}


def spectrum(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((FRAMES, 128), np.float32)


def test_each_block_has_its_size_whatever_the_length() -> None:
    for frames in (128, FRAMES):
        assert {name: len(block) for name, block in texture(spectrum()[:frames]).items()} == SIZES


def test_blocks_of_several_clips_are_joined_side_by_side() -> None:
    values, sizes = joined(texture_rows([spectrum(0), spectrum(1)]))
    assert (values.shape, sizes) == ((2, 1420), tuple(SIZES.values()))
    np.testing.assert_array_equal(values[1, :256], texture(spectrum(1))["bands"])


def test_a_beat_is_in_the_band_of_its_modulation_frequency() -> None:
    beat = np.tile((0.5 + 0.5 * np.sin(2 * np.pi * np.arange(FRAMES) / 4))[:, None], (1, 128)).astype(np.float32)
    modulation = texture(beat)["modulation"].reshape(11, 16)
    # 32 periods in a window of 128 frames: in the band from 32 to 45
    assert (modulation.argmax(axis=0) == 9).all()


def test_the_separation_is_that_of_full_median_filters() -> None:
    values = spectrum().astype(np.float64)
    over_time, over_frequency = values - median_filter(values, (9, 1)), values - median_filter(values, (1, 9))
    expected = [one[:, ::4].std(axis=0) for one in (over_time, over_frequency)]
    np.testing.assert_allclose(texture(spectrum())["separation"][:64], np.concatenate(expected), atol=1e-6)


def test_coefficients_that_follow_each_other_correlate() -> None:
    level = np.random.default_rng(1).random((FRAMES, 1)) * np.ones(128)
    tilted = (level * (1 + np.linspace(-0.5, 0.5, 128))).astype(np.float32)
    assert texture(tilted)["correlation"][0] == pytest.approx(-1, abs=1e-3)


def test_a_constant_spectrum_has_finite_features() -> None:
    assert all(np.isfinite(block).all() for block in texture(np.full((FRAMES, 128), 0.5, np.float32)).values())


@pytest.mark.parametrize("shape", [(127, 128), (FRAMES, 64)])
def test_spectra_of_another_shape_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(DataError) as caught:
        texture_rows([spectrum()[: shape[0], : shape[1]]])
    assert caught.value.what == f"spectra of {shape[0]} frames and {shape[1]} bands have no texture features"
