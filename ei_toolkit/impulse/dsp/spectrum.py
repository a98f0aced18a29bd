"""Power spectra of frames, mel filters, and the ranges of parameters of all blocks with an FFT."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.config.ranges import PowersOfTwo, Range
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.dsp.block import Floats
from ei_toolkit.impulse.dsp.framing import Framing, frames

FFT_LENGTHS = PowersOfTwo(4096)  # those that the runtime supports
NOISE_FLOOR_RANGE = Range(high=12, below=True)  # (dB - floor) / (12 - floor) is not defined at 12
SECONDS = Range(0, above=True)
HERTZ = Range(0)


def power_spectrum(windows: Floats, cut: Framing, fft_length: int) -> Floats:
    """Return |rfft|² / fft_length of every frame: (n, samples) -> (n, frames, fft_length / 2 + 1).

    A frame longer than the FFT is truncated to its first `fft_length` samples, a shorter one padded with zeros.
    """
    spectrum = np.fft.rfft(frames(windows, cut, fft_length), n=fft_length)
    power: Floats = spectrum.real**2
    power += spectrum.imag**2
    power /= fft_length
    return power


def decibels(power: Floats) -> Floats:
    """Convert powers, at least 1e-30, to 10 log10 in place."""
    np.maximum(power, 1e-30, out=power)
    np.log(power, out=power)  # np.log is vectorised, np.log10 is not; they differ by an ulp
    power *= 10 / np.log(10)
    return power


Samples = npt.NDArray[Any]  # float32 or float64


def mel_edges(
    num_filters: int, fft_length: int, frequency: float, low: float, high: float, version: int
) -> npt.NDArray[np.int64]:
    """Return the FFT bins of the `num_filters + 2` corners of the triangles, computed in float64.

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
    hertz[-1] -= 0.001  # so that rounding cannot put the last corner after the last bin
    points = fft_length if version >= 4 else fft_length // 2 + 1
    return np.floor((points + 1) * hertz / frequency).astype(np.int64)


def filterbank(edges: npt.NDArray[np.int64], fft_length: int) -> Floats:
    """Return triangles of height 1 over the bins: (filters, fft_length / 2 + 1), an array that cannot be changed.

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
    bank.setflags(write=False)
    return bank


def pre_emphasis(windows: Samples, coefficient: float, shift: int = 1) -> Samples:
    """Return x[i] - coefficient * x[i - shift]; circular: the first samples use the end of the window."""
    return windows - coefficient * np.roll(windows, shift, axis=1)


def _empty_row(num_filters: int, fft_length: int) -> ConfigurationError:
    return ConfigurationError(
        "at least one row of the mel filterbank contains all zeros",
        why=f"{num_filters} filters are too many for an FFT of {fft_length} points in this band",
        hint="Use fewer num_filters, a longer fft_length, or implementation version 4.",
    )
