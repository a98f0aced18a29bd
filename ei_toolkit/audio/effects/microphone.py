"""A simulated small loudspeaker, room and microphone between a clip and the samples of a board."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.effects.room import BANK, room_spectrum

Sound = NDArray[np.float32]
MICROPHONE_LOW_HZ = 40.0  # the PDM filter of a Nano 33 BLE Sense blocks what is slower
MICROPHONE_HIGH_HZ = 7600.0  # and its decimator begins to fall here
TILT_HZ = (62.5, 8000.0)  # seven octaves over which a tilt rises


@dataclass(frozen=True)
class SimulatedMicrophone:
    """One loudspeaker and one room of the bank."""

    low_hz: float
    high_hz: float
    resonance_hz: float
    resonance_db: float
    room: int

    def __str__(self) -> str:
        return f"speaker{self.low_hz:.0f}-{self.high_hz:.0f} room{self.room}"


def draw_microphone(rng: np.random.Generator) -> SimulatedMicrophone:
    """A random small loudspeaker (nothing below 80–400 Hz, nothing above 5–12 kHz, one resonance) in a random room."""
    low = float(80 * 5 ** rng.random())
    high, resonance = float(rng.uniform(5000, 12000)), float(rng.uniform(1.2, 8) * low)
    return SimulatedMicrophone(low, high, resonance, float(rng.uniform(-6, 6)), int(rng.integers(BANK)))


def simulate_microphone(
    signal: Sound, sample_rate: int, microphone: SimulatedMicrophone | None, tilt_db: float = 0.0
) -> Sound:
    """Return `signal`, shape (n,), as a microphone records it, with its treble raised by `tilt_db` and the same RMS.

    The convolution is circular: what decays after the end is added at the start, since a window is cut from sound
    that began before it.
    """
    n = len(signal)
    spectrum = np.fft.rfft(signal)
    if tilt_db:
        spectrum *= np.exp(np.float32(tilt_db * np.log(10) / 20) * _octaves(n, sample_rate))
    if microphone:
        spectrum *= room_spectrum(microphone.room, n, sample_rate)
        spectrum *= _gain(microphone, n, sample_rate)
    filtered: Sound = np.fft.irfft(spectrum, n).astype(np.float32)
    before, after = float(np.linalg.norm(signal)), float(np.linalg.norm(filtered))
    return filtered * np.float32(before / max(after, 1e-9))


def _gain(microphone: SimulatedMicrophone, n: int, sample_rate: int) -> Sound:
    """Amplitude response of loudspeaker and microphone: high-pass and low-pass of 12 dB an octave, one peak."""
    hz = _hz(n, sample_rate)
    low, high = np.square(np.float32(microphone.low_hz) / hz), np.square(hz / np.float32(microphone.high_hz))
    octaves = np.log2(hz / np.float32(microphone.resonance_hz))
    peak = np.exp(np.float32(microphone.resonance_db * np.log(10) / 20) * np.exp(-4 * np.square(octaves)))
    gain: Sound = peak * _microphone(n, sample_rate) / np.sqrt((1 + low * low) * (1 + high * high))
    return gain


@lru_cache(maxsize=4)
def _microphone(n: int, sample_rate: int) -> Sound:
    hz = _hz(n, sample_rate)
    gain: Sound = 1 / np.sqrt(1 + (MICROPHONE_LOW_HZ / hz) ** 4) / np.sqrt(1 + (hz / MICROPHONE_HIGH_HZ) ** 12)
    gain[0] = 0
    return gain


@lru_cache(maxsize=4)
def _octaves(n: int, sample_rate: int) -> Sound:
    """Position of each bin between −1/2 (lowest) and 1/2 (highest) of the octaves of a tilt."""
    low, high = TILT_HZ
    octaves: Sound = np.log2(np.clip(_hz(n, sample_rate), low, high) / np.sqrt(low * high)) / np.log2(high / low)
    return octaves.astype(np.float32)


@lru_cache(maxsize=4)
def _hz(n: int, sample_rate: int) -> Sound:
    """Frequency of each bin of a spectrum of `n` samples, at least 1 Hz."""
    hz: NDArray[np.float64] = np.maximum(np.fft.rfftfreq(n, 1 / sample_rate), 1.0)
    return hz.astype(np.float32)
