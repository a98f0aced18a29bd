"""Processing blocks of summary features: one row of numbers for a window, without C++ for a board.

They are the blocks that `eitk features --block` exports for Edge Impulse's studio, in eitk's own studio.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from ei_toolkit.audio.summary.columns import EXTRACTORS
from ei_toolkit.audio.summary.features import SHORTEST_S, window_features
from ei_toolkit.audio.summary.spectra import RATE
from ei_toolkit.errors import ConfigurationError, DataError
from ei_toolkit.impulse.dsp.block import Block, Floats, Table, parameter


@dataclass(frozen=True)
class Summary:
    """Parameters."""

    normalise: bool = parameter(False, "Normalise", "Set the peak of each window to full scale.", group="Level")


def shape(extractor: str, n_samples: int, frequency: float, _version: int, _p: Summary) -> tuple[int, int]:
    """Return one frame, and the number of features."""
    if n_samples < SHORTEST_S * frequency:
        raise ConfigurationError(
            f"a window of {n_samples / frequency:g} s is too short for the {extractor} block",
            hint=f"Set slice.window_ms to {1000 * SHORTEST_S:g} or more.",
        )
    return 1, len(EXTRACTORS[extractor])


def features(extractor: str, windows: Floats, frequency: float, _version: int, p: Summary) -> Floats:
    """Compute features: (n, samples) -> (n, 1, features). Those of a window of silence are 0."""
    return np.stack([_row(extractor, window, frequency, p)[None] for window in windows])


def _row(extractor: str, window: Floats, frequency: float, p: Summary) -> Floats:
    try:
        return window_features(window, frequency, extractor, p.normalise)
    except DataError:  # silent, or without any change: a studio computes features of every window
        return np.zeros(len(EXTRACTORS[extractor]))


def tables(_frequency: float, _version: int, _p: Summary) -> Mapping[str, Table]:
    """Return no tables: there is no C++ of these blocks."""
    return {}


BLOCKS = tuple(
    Block(
        type=extractor,
        title=f"Summary features ({len(columns)})",
        description=f"{len(columns)} summary features of a window of audio, as librosa defines them at {RATE} Hz.",
        versions=(1,),
        parameters=Summary,
        shape=partial(shape, extractor),
        features=partial(features, extractor),
        tables=tables,
        feature_names=columns,
    )
    for extractor, columns in EXTRACTORS.items()
)
