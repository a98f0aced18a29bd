"""Edge Impulse's Spectrogram block, implementation versions 1 to 4.

Of each frame the rectangular-windowed power spectrum |rfft|² / fft_length, with no pre-emphasis. Known faults of the
published block, kept behind its versions: the FFT reads only the first `fft_length` samples of a frame; version 1
drops the last full frame; versions 1 and 2 scale each window to 0..1 and ignore the noise floor; version 3 divides
the whole window by 32768 where any sample lies outside -1..1; version 4 neither scales nor clips above.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ei_toolkit.impulse.dsp.block import Block, Floats, Table, parameter
from ei_toolkit.impulse.dsp.framing import Framing, framing
from ei_toolkit.impulse.dsp.spectrum import FFT_LENGTHS, NOISE_FLOOR_RANGE, SECONDS, decibels, power_spectrum


@dataclass(frozen=True)
class Spectrogram:
    """Parameters, with Edge Impulse's names and defaults."""

    frame_length: float = parameter(
        0.02, "Frame length", "Length of a frame in seconds.", group="Spectrogram", allowed=SECONDS
    )
    frame_stride: float = parameter(
        0.01, "Frame stride", "Seconds between two frames.", group="Spectrogram", allowed=SECONDS
    )
    fft_length: int = parameter(
        128, "FFT length", "Points of the FFT, a power of two.", group="Spectrogram", allowed=FFT_LENGTHS
    )
    noise_floor_db: int = parameter(
        -52,
        "Noise floor (dB)",
        "What is weaker becomes 0 (versions 3 and 4).",
        group="Normalization",
        allowed=NOISE_FLOOR_RANGE,
    )
    show_axes: bool = parameter(True, "Show axes", "For graphs only.", group="Spectrogram", hidden=True)


def shape(n_samples: int, frequency: float, version: int, p: Spectrogram) -> tuple[int, int]:
    """Return (frames, bins) of one window."""
    return _framing(n_samples, frequency, version, p).count, p.fft_length // 2 + 1


def features(windows: Floats, frequency: float, version: int, p: Spectrogram) -> Floats:
    """Compute features: (n, samples) -> (n, frames, bins)."""
    cut = _framing(windows.shape[1], frequency, version, p)
    power = power_spectrum(_scaled_as_version_3(windows) if version == 3 else windows, cut, p.fft_length)
    if version < 3:
        return _minmax(power)
    level = decibels(power)
    level -= p.noise_floor_db
    level /= 12 - p.noise_floor_db
    return np.clip(level, 0, 1 if version == 3 else None, out=level)


def tables(frequency: float, version: int, p: Spectrogram) -> Mapping[str, Table]:
    """Return no constants: the C++ of this block needs its parameters only."""
    return {}


def _framing(n_samples: int, frequency: float, version: int, p: Spectrogram) -> Framing:
    return framing(n_samples, frequency, p.frame_length, p.frame_stride, version)


def _scaled_as_version_3(windows: Floats) -> Floats:
    loud = np.any(np.abs(windows) > 1, axis=1, keepdims=True)
    return np.where(loud, (windows / 32768).astype(np.float32), windows)


def _minmax(power: Floats) -> Floats:
    """Scale each window to 0..1; a constant window becomes 0."""
    low = power.min(axis=(1, 2), keepdims=True)
    spread = power.max(axis=(1, 2), keepdims=True) - low
    scaled: Floats = np.divide(power - low, spread, out=np.zeros_like(power), where=spread > 0)
    return scaled


BLOCK = Block(
    type="spectrogram",
    title="Spectrogram",
    description="Extracts a spectrogram from audio or sensor data, great for non-voice audio.",
    versions=(1, 2, 3, 4),
    parameters=Spectrogram,
    shape=shape,
    features=features,
    tables=tables,
)
