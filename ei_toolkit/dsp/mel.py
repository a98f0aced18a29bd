"""Mel filterbanks as the published blocks make them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.dsp.block import Floats
from ei_toolkit.errors import ConfigurationError

Samples = npt.NDArray[Any]  # float32 or float64


def mel_edges(
    num_filters: int, fft_length: int, frequency: float, low: float, high: float, version: int
) -> npt.NDArray[np.int64]:
    """FFT bins of the `num_filters + 2` corners of the triangles; computed in float64, to be emitted as a table.

    mel = 1127 ln(1 + f / 700); corners are evenly spaced in mel between `low` and `high` Hz (0 means half the
    sampling frequency). Versions up to 3 place them as if the FFT had fft_length / 2 + 1 points, a known fault.
    Raises ConfigurationError for a band that cannot be, and for more filters than could ever have a bin each.
    """
    high = high or frequency / 2
    if not 0 <= low < high <= frequency / 2:
        raise ConfigurationError(
            f"low_frequency {low:g} and high_frequency {high:g} Hz do not fit together",
            why=f"both must lie between 0 and {frequency / 2:g} Hz, the low one first",
            hint="Use low_frequency = 0 and high_frequency = 0 for the whole band.",
        )
    if num_filters > fft_length:  # no three corners in a row may share one of the fft_length / 2 + 1 bins
        raise _empty_row(num_filters, fft_length)
    mels = np.linspace(1127 * np.log(1 + low / 700), 1127 * np.log(1 + high / 700), num_filters + 2)
    hertz = 700 * (np.exp(mels / 1127) - 1)
    hertz[-1] -= 0.001  # so that rounding cannot put the last corner behind the last bin
    points = fft_length if version >= 4 else fft_length // 2 + 1
    return np.floor((points + 1) * hertz / frequency).astype(np.int64)


def filterbank(edges: npt.NDArray[np.int64], fft_length: int) -> Floats:
    """Triangles of height 1 over the bins: (filters, fft_length / 2 + 1).

    Raises ConfigurationError where a triangle has no bin, as the published blocks do.
    """
    bank = np.zeros((len(edges) - 2, fft_length // 2 + 1))
    bins = np.arange(bank.shape[1])
    for row, (left, middle, right) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        rising = (left < bins) & (bins <= middle)
        falling = (middle <= bins) & (bins < right)
        bank[row, rising] = (bins[rising] - left) / (middle - left)
        bank[row, falling] = (right - bins[falling]) / (right - middle)
    if np.any(bank.sum(axis=1) == 0):
        raise _empty_row(len(bank), fft_length)
    return bank


def pre_emphasis(windows: Samples, coefficient: float, shift: int = 1) -> Samples:
    """x[i] - coefficient * x[i - shift]; circular: the first samples take from the end of the window."""
    return windows - coefficient * np.roll(windows, shift, axis=1)


def _empty_row(num_filters: int, fft_length: int) -> ConfigurationError:
    return ConfigurationError(
        "at least one row of the mel filterbank contains all zeros",
        why=f"{num_filters} filters are too many for an FFT of {fft_length} points in this band",
        hint="Use fewer num_filters, a longer fft_length, or implementation version 4.",
    )
