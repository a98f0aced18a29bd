"""The registry of processing blocks: features of one window or of many, their shape, their description."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.dsp import mfcc, mfe, spectrogram, summary
from ei_toolkit.impulse.dsp.block import Block, BlockDescription, Floats, Table, shown

BLOCKS: dict[str, Block] = {block.type: block for block in (spectrogram.BLOCK, mfe.BLOCK, mfcc.BLOCK, *summary.BLOCKS)}
CHUNK_SAMPLES = 1 << 21  # windows are computed in chunks of about this many samples, so memory stays bounded


def block_types(*, for_boards: bool = False) -> tuple[str, ...]:
    """Return the types of all blocks, or of those that have C++ for boards."""
    return tuple(kind for kind, block in BLOCKS.items() if not (for_boards and block.feature_names))


def describe(block: str) -> BlockDescription:
    """Return the description of a block type. Raises ConfigurationError for an unknown one."""
    return _block(block).describe()


def output_shape(
    block: str, n_samples: int, sampling_frequency: float, implementation_version: int, **params: Any
) -> tuple[int, int]:
    """Return (frames, bins) of a window of `n_samples`. Raises ConfigurationError where there is not one frame."""
    found = _block(block)
    version = found.check_version(implementation_version)
    return found.shape(n_samples, _checked(sampling_frequency), version, found.parse(params))


def tables(block: str, sampling_frequency: float, implementation_version: int, **params: Any) -> dict[str, Table]:
    """Return the constants of the block for generated C++, by name, computed in float64.

    Raises ConfigurationError for a bad parameter.
    """
    found = _block(block)
    version = found.check_version(implementation_version)
    return dict(found.tables(_checked(sampling_frequency), version, found.parse(params)))


def run(
    block: str, samples: npt.ArrayLike, sampling_frequency: float, implementation_version: int, **params: Any
) -> Floats:
    """Compute the features of one window of raw sample values (int16 audio as values, not scaled), 1-D, frame by frame.

    Parameters have Edge Impulse's names and may be text. Raises ConfigurationError for a bad one.
    """
    window = np.asarray(samples).reshape(1, -1)
    features: Floats = run_many(block, window, sampling_frequency, implementation_version, **params)[0]
    return features


def run_many(
    block: str, windows: npt.ArrayLike, sampling_frequency: float, implementation_version: int, **params: Any
) -> Floats:
    """Compute the features of many windows: (n, samples) -> (n, frames * bins) float64. Raises as `run` does."""
    found, data = _block(block), np.asarray(windows)
    if data.ndim != 2:
        raise ConfigurationError(f"windows must be (n, samples), not {data.shape}")
    version, parameters = found.check_version(implementation_version), found.parse(params)
    frequency = _checked(sampling_frequency)
    frames, bins = found.shape(data.shape[1], frequency, version, parameters)
    out = np.empty((len(data), frames * bins))
    for part in _chunks(len(data), max(1, CHUNK_SAMPLES // data.shape[1])):
        values = found.features(data[part].astype(np.float64), frequency, version, parameters)
        out[part] = values.reshape(len(values), -1)
    return out


def _chunks(n: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, n, size))


def _block(block: str) -> Block:
    if block not in BLOCKS:
        raise ConfigurationError(f"there is no block {block!r}", hint="Blocks: " + ", ".join(BLOCKS) + ".")
    return BLOCKS[block]


def _checked(frequency: float) -> float:
    try:
        hertz = float(frequency)
    except (TypeError, ValueError, OverflowError):
        hertz = math.nan
    if not 0 < hertz < math.inf:
        raise ConfigurationError(f"sampling frequency {shown(frequency)} is not a finite number above 0")
    return hertz
