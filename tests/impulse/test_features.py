"""Features from settings are those of the blocks, side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ei_toolkit.config import Settings, SliceSettings
from ei_toolkit.config.settings import DspBlock
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.features import feature_count, frame_features, impulse_features

MFE = DspBlock("mfe", 4, params={"num_filters": 20})
SPECTROGRAM = DspBlock("spectrogram", 4, params={"fft_length": 64})


def settings(*blocks: DspBlock) -> Settings:
    base = Settings(slice=SliceSettings(16000, 500, 250))
    return replace(base, impulse=replace(base.impulse, dsp=blocks))


def test_blocks_stand_side_by_side_in_the_order_of_the_settings() -> None:
    windows = np.random.default_rng(1).integers(-9000, 9000, (3, 8000)).astype(np.int16)
    found = impulse_features(windows, settings(MFE, SPECTROGRAM))
    mfe, spectrogram = (dsp.run_many(b.type, windows, 16000, 4, **b.params) for b in (MFE, SPECTROGRAM))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.concatenate([mfe, spectrogram], axis=1).astype(np.float32))


def test_a_frame_is_that_of_the_first_block() -> None:
    assert frame_features(settings(MFE, SPECTROGRAM)) == 20
    assert frame_features(settings(SPECTROGRAM)) == 33


def test_an_impulse_without_a_block_has_no_features() -> None:
    with pytest.raises(ConfigurationError, match="no processing block"):
        impulse_features(np.zeros((1, 8000), np.int16), settings())


@pytest.mark.parametrize("blocks", [(MFE,), (SPECTROGRAM,), (MFE, SPECTROGRAM)])
def test_the_number_of_features_is_that_of_a_computed_window(blocks: tuple[DspBlock, ...]) -> None:
    window = np.random.default_rng(2).integers(-9000, 9000, (1, 8000)).astype(np.int16)
    assert feature_count(settings(*blocks)) == impulse_features(window, settings(*blocks)).shape[1]


def test_an_impulse_without_a_block_has_no_number_of_features() -> None:
    with pytest.raises(ConfigurationError, match="no processing block"):
        feature_count(settings())
