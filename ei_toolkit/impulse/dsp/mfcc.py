"""Edge Impulse's MFCC block (cepstral coefficients), implementation versions 3 and 4.

Circular pre-emphasis of the raw samples (not divided by 32768), mel energies, natural logarithm, orthonormal DCT-II,
the first coefficient replaced by the logarithm of the frame's energy, then normalised over a sliding window. Known
fault of the published Python, kept: version 3 places the mel corners for an FFT half as long. A window that is
constant (one frame, silence) is divided by 1e-10 when normalised, so its features are rounding errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.config.ranges import Range
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.dsp.block import Block, Floats, Table, parameter
from ei_toolkit.impulse.dsp.framing import MAX_FRAMES, Framing, framing
from ei_toolkit.impulse.dsp.spectrum import (
    FFT_LENGTHS,
    HERTZ,
    SECONDS,
    filterbank,
    mel_edges,
    power_spectrum,
    pre_emphasis,
)

TINY = 1e-10
MAX_WIN_SIZE = 2 * MAX_FRAMES - 1  # from each end of the longest window it extends to the other end
Array = npt.NDArray[Any]  # float64 before the normalisation, float32 within


@dataclass(frozen=True)
class Mfcc:
    """Parameters, with Edge Impulse's names and defaults."""

    num_cepstral: int = parameter(
        13, "Number of coefficients", "Coefficients of each frame.", group="MFCC", allowed=Range(1)
    )
    frame_length: float = parameter(
        0.02, "Frame length", "Length of a frame in seconds.", group="MFCC", allowed=SECONDS
    )
    frame_stride: float = parameter(0.02, "Frame stride", "Seconds between two frames.", group="MFCC", allowed=SECONDS)
    num_filters: int = parameter(32, "Filter number", "Number of mel bands.", group="MFCC", allowed=Range(1))
    fft_length: int = parameter(
        256, "FFT length", "Points of the FFT, a power of two.", group="MFCC", allowed=FFT_LENGTHS
    )
    win_size: int = parameter(
        101,
        "Normalization window size",
        "Frames over which to normalise, odd; 0 means not at all.",
        group="MFCC",
        allowed=Range(high=MAX_WIN_SIZE),
    )
    low_frequency: int = parameter(0, "Low frequency", "Lowest band edge in Hz.", group="MFCC", allowed=HERTZ)
    high_frequency: int = parameter(
        0,
        "High frequency",
        "Highest band edge in Hz; 0 means half the sampling frequency.",
        group="MFCC",
        allowed=HERTZ,
    )
    pre_cof: float = parameter(0.98, "Coefficient", "Pre-emphasis coefficient; 0 means none.", group="Pre-emphasis")
    pre_shift: int = parameter(1, "Shift", "Pre-emphasis distance in samples.", group="Pre-emphasis", hidden=True)


def shape(n_samples: int, frequency: float, version: int, p: Mfcc) -> tuple[int, int]:
    """Return (frames, coefficients) of one window."""
    _bank(frequency, version, p)
    return _framing(n_samples, frequency, version, p).count, p.num_cepstral


def features(windows: Floats, frequency: float, version: int, p: Mfcc) -> Floats:
    """Compute features: (n, samples) -> (n, frames, coefficients)."""
    cut = _framing(windows.shape[1], frequency, version, p)
    power = power_spectrum(pre_emphasis(windows, p.pre_cof, p.pre_shift), cut, p.fft_length)
    energy = _no_zero(power @ _bank(frequency, version, p).T)
    cepstrum = np.log(energy) @ _dct(p.num_filters, p.num_cepstral).T
    cepstrum[..., 0] = np.log(_no_zero(power.sum(axis=-1)))
    return _normalised(cepstrum, p.win_size) if p.win_size > 0 else cepstrum


def tables(frequency: float, version: int, p: Mfcc) -> Mapping[str, Table]:
    """Return `mel_edges` (num_filters + 2) and `dct` (num_cepstral, num_filters)."""
    if p.num_cepstral > p.num_filters:
        raise ConfigurationError(
            f"num_cepstral = {p.num_cepstral} does not fit num_filters = {p.num_filters}",
            hint="Use at most as many coefficients as filters.",
        )
    edges = mel_edges(p.num_filters, p.fft_length, frequency, p.low_frequency, p.high_frequency, version)
    return {"mel_edges": edges, "dct": _dct(p.num_filters, p.num_cepstral)}


def _framing(n_samples: int, frequency: float, version: int, p: Mfcc) -> Framing:
    _check_win_size(p.win_size)
    return framing(n_samples, frequency, p.frame_length, p.frame_stride, version)


def _check_win_size(size: int) -> None:
    if size > 0 and size % 2 == 0:
        raise ConfigurationError(f"win_size = {size} is even", hint=f"Use {size + 1}, or 0 for none.")


@lru_cache
def _bank(frequency: float, version: int, p: Mfcc) -> Floats:
    return filterbank(tables(frequency, version, p)["mel_edges"], p.fft_length)


def _no_zero(values: Floats) -> Floats:
    return np.where(values == 0, TINY, values)


def _dct(n: int, keep: int) -> Floats:
    """Return the first `keep` rows of the orthonormal DCT-II of length `n`."""
    rows: Floats = np.sqrt(2 / n) * np.cos(np.pi / n * np.outer(np.arange(keep), np.arange(n) + 0.5))
    rows[0] /= np.sqrt(2)
    return rows


def _normalised(cepstrum: Floats, size: int) -> Floats:
    """Subtract the mean of a sliding window, then divide by the standard deviation; the ends are mirrored.

    Both steps are in float32 and sum a window frame by frame, as in the published code, so that every bit is equal.
    """
    centred = (cepstrum - _mean(_sliding(cepstrum, size))).astype(np.float32)
    near = _sliding(centred, size)
    mean = _mean(near)
    deviation = np.sqrt(_mean((values - mean) ** 2 for values in near))
    return (centred / (deviation + np.float32(TINY))).astype(np.float64)


def _sliding(cepstrum: Array, size: int) -> list[Array]:
    """Return `size` shifted views (n, frames, c), one for each position in the window around a frame."""
    half = (size - 1) // 2
    padded = np.pad(cepstrum, ((0, 0), (half, half), (0, 0)), mode="symmetric")
    return [padded[:, start : start + cepstrum.shape[1]] for start in range(size)]


def _mean(values: Iterable[Array]) -> Array:
    """Return the mean in the precision of the values, summed one after another."""
    total: Array | None = None
    count = 0
    for value in values:
        total = value.copy() if total is None else np.add(total, value, out=total)
        count += 1
    assert total is not None
    total /= total.dtype.type(count)
    return total


BLOCK = Block(
    type="mfcc",
    title="Audio (MFCC)",
    description="Extracts features from audio signals using Mel Frequency Cepstral Coefficients, great for voice.",
    versions=(3, 4),
    parameters=Mfcc,
    shape=shape,
    features=features,
    tables=tables,
)
