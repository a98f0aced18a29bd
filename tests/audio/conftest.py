from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

Samples = NDArray[np.int16]


@pytest.fixture
def music() -> Samples:
    """Three seconds at 16 kHz that are neither a pure tone nor noise: a decaying chord over a quiet hiss."""
    t = np.arange(48_000) / 16_000
    chord = sum(np.sin(2 * np.pi * hz * t) for hz in (220.0, 277.2, 329.6, 1760.0))
    hiss = np.random.default_rng(1).standard_normal(len(t))
    return np.rint(3000 * chord * np.exp(-t % 1.0) + 50 * hiss).astype(np.int16)


@pytest.fixture
def peak_hz() -> Callable[[NDArray[np.float32], int], float]:
    """Function that gives the strongest frequency of a signal."""

    def peak(signal: NDArray[np.float32], rate: int) -> float:
        spectrum = np.abs(np.fft.rfft(signal * np.hanning(len(signal))))
        return float(spectrum.argmax() * rate / len(signal))

    return peak
