"""Features from settings: the window of [slice] through the processing blocks of [impulse]."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.window import samples_in
from ei_toolkit.config import DspBlock, Settings
from ei_toolkit.errors import ConfigurationError, DataError
from ei_toolkit.impulse import dsp

Features = npt.NDArray[np.float32]


def impulse_features(windows: npt.NDArray[np.int16], settings: Settings) -> Features:
    """Return the features (n, f) of levelled windows (n, samples): those of every processing block, side by side.

    Raises ConfigurationError for an impulse without a block, or a block with a bad parameter.
    """
    rate, blocks = float(settings.slice.sample_rate), _blocks(settings)
    parts = [dsp.run_many(block.type, windows, rate, block.implementation_version, **block.params) for block in blocks]
    return np.concatenate(parts, axis=1).astype(np.float32)


def frame_features(settings: Settings) -> int:
    """Return the number of features in a frame of the first processing block. Raises as `impulse_features` does."""
    block, rate = _blocks(settings)[0], float(settings.slice.sample_rate)
    samples = samples_in(settings.slice.window_ms, settings.slice.sample_rate)
    return dsp.output_shape(block.type, samples, rate, block.implementation_version, **block.params)[1]


def feature_count(settings: Settings) -> int:
    """Return the number of features of a window. Raises as `impulse_features` does."""
    rate = settings.slice.sample_rate
    samples = samples_in(settings.slice.window_ms, rate)
    shapes = [
        dsp.output_shape(block.type, samples, float(rate), block.implementation_version, **block.params)
        for block in _blocks(settings)
    ]
    return sum(frames * bins for frames, bins in shapes)


def check_feature_count(settings: Settings, taken: int) -> None:
    """Raise DataError if a model takes another number of features than a window has, and as `impulse_features`."""
    if (count := feature_count(settings)) != taken:
        raise DataError(
            f"the model takes {taken} features, the impulse gives {count}",
            why="eitk.toml was changed after the model was trained, or the model is of another project",
            hint="eitk impulse apply, then eitk train --eon",
        )


def _blocks(settings: Settings) -> tuple[DspBlock, ...]:
    if not settings.impulse.dsp:
        raise ConfigurationError("the impulse has no processing block", hint="Add [impulse.dsp] to eitk.toml.")
    return settings.impulse.dsp
