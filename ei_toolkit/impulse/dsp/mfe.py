"""Edge Impulse's MFE block (log energies of mel bands), implementation versions 3 and 4.

Samples / 32768, circular pre-emphasis 0.98 (both in float32), rectangular frames, |rfft|² / fft_length, mel triangles,
decibels over the noise floor, 256 steps. Known faults of the published Python, kept: the last step wraps to 0 (uint8),
so a band at or above 255.5 / 256 comes out as 0; version 3 places the mel corners for an FFT half as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ei_toolkit.config.ranges import Range
from ei_toolkit.impulse.dsp.block import Block, Floats, Table, parameter
from ei_toolkit.impulse.dsp.framing import Framing, framing
from ei_toolkit.impulse.dsp.spectrum import (
    FFT_LENGTHS,
    HERTZ,
    NOISE_FLOOR_RANGE,
    SECONDS,
    decibels,
    filterbank,
    mel_edges,
    power_spectrum,
    pre_emphasis,
)

PRE_EMPHASIS = 0.98
FULL_SCALE = 32768
STEPS = 256


@dataclass(frozen=True)
class Mfe:
    """Parameters, with Edge Impulse's names and defaults. `win_size` has an effect before version 3 only."""

    frame_length: float = parameter(
        0.02, "Frame length", "Length of a frame in seconds.", group="Mel-filterbank", allowed=SECONDS
    )
    frame_stride: float = parameter(
        0.01, "Frame stride", "Seconds between two frames.", group="Mel-filterbank", allowed=SECONDS
    )
    num_filters: int = parameter(40, "Filter number", "Number of mel bands.", group="Mel-filterbank", allowed=Range(2))
    fft_length: int = parameter(
        256, "FFT length", "Points of the FFT, a power of two.", group="Mel-filterbank", allowed=FFT_LENGTHS
    )
    low_frequency: int = parameter(0, "Low frequency", "Lowest band edge in Hz.", group="Mel-filterbank", allowed=HERTZ)
    high_frequency: int = parameter(
        0,
        "High frequency",
        "Highest band edge in Hz; 0 means half the sampling frequency.",
        group="Mel-filterbank",
        allowed=HERTZ,
    )
    win_size: int = parameter(
        101, "Normalization window size", "Unused since version 3.", group="Normalization", hidden=True
    )
    noise_floor_db: int = parameter(
        -52, "Noise floor (dB)", "What is weaker becomes 0.", group="Normalization", allowed=NOISE_FLOOR_RANGE
    )


def shape(n_samples: int, frequency: float, version: int, p: Mfe) -> tuple[int, int]:
    """Return (frames, bands) of one window."""
    _bank(frequency, version, p)
    return _framing(n_samples, frequency, version, p).count, p.num_filters


def features(windows: Floats, frequency: float, version: int, p: Mfe) -> Floats:
    """Compute features: (n, samples) -> (n, frames, bands), multiples of 1/256 from 0 up to 255/256."""
    cut = _framing(windows.shape[1], frequency, version, p)
    emphasised = pre_emphasis((windows / FULL_SCALE).astype(np.float32), PRE_EMPHASIS).astype(np.float64)
    energy = power_spectrum(emphasised, cut, p.fft_length) @ _bank(frequency, version, p).T
    energy[energy == 0] = 1e-10
    level = (decibels(energy) - p.noise_floor_db) / (12 - p.noise_floor_db)
    return np.mod(np.round(np.clip(level, 0, 1) * STEPS), STEPS) / STEPS  # the remainder is the wrap of uint8


def tables(frequency: float, version: int, p: Mfe) -> Mapping[str, Table]:
    """Return `mel_edges`: the FFT bin of each corner of the triangles, (num_filters + 2)."""
    return {"mel_edges": mel_edges(p.num_filters, p.fft_length, frequency, p.low_frequency, p.high_frequency, version)}


def _framing(n_samples: int, frequency: float, version: int, p: Mfe) -> Framing:
    return framing(n_samples, frequency, p.frame_length, p.frame_stride, version)


@lru_cache
def _bank(frequency: float, version: int, p: Mfe) -> Floats:
    return filterbank(tables(frequency, version, p)["mel_edges"], p.fft_length)


BLOCK = Block(
    type="mfe",
    title="Audio (MFE)",
    description="Extracts a spectrogram from audio signals using Mel-filterbank energy features.",
    versions=(3, 4),
    parameters=Mfe,
    shape=shape,
    features=features,
    tables=tables,
)
