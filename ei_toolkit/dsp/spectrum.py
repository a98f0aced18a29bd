"""Power spectra of frames, and the parameter checks that every block with an FFT shares."""

from __future__ import annotations

import numpy as np

from ei_toolkit.dsp.block import Floats
from ei_toolkit.dsp.framing import Framing, frames
from ei_toolkit.errors import ConfigurationError

MAX_FFT = 4096  # what the runtime on the board can compute


def check_fft(fft_length: int) -> None:
    """Raise ConfigurationError unless the FFT length is a power of two that a board can compute."""
    if not 2 <= fft_length <= MAX_FFT or fft_length & (fft_length - 1):
        raise ConfigurationError(
            f"fft_length = {fft_length} is not a power of two up to {MAX_FFT}", hint="Use 64, 128, 256 or 512."
        )


def check_noise_floor(noise_floor_db: int) -> None:
    """Raise ConfigurationError for a floor at which (dB - floor) / (12 - floor) has no meaning."""
    if noise_floor_db >= 12:
        raise ConfigurationError(f"noise_floor_db = {noise_floor_db} is too high", hint="Use a value below 0.")


def power_spectrum(windows: Floats, cut: Framing, fft_length: int) -> Floats:
    """|rfft|² / fft_length of every frame: (n, samples) -> (n, frames, fft_length / 2 + 1).

    A frame longer than the FFT is truncated to its first `fft_length` samples, a shorter one padded with zeros.
    """
    spectrum = np.fft.rfft(frames(windows, cut, fft_length), n=fft_length)
    power: Floats = spectrum.real**2
    power += spectrum.imag**2
    power /= fft_length
    return power


def decibels(power: Floats) -> Floats:
    """10 log10 of a power, floored at 1e-30; in place."""
    np.maximum(power, 1e-30, out=power)
    np.log(power, out=power)  # np.log is vectorised, np.log10 is not; they differ by an ulp
    power *= 10 / np.log(10)
    return power
