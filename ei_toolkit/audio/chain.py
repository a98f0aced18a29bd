"""What lies between a clip and the board's samples: a small loudspeaker, a room, the board's microphone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.rooms import BANK, room_spectrum

Sound = NDArray[np.float32]
MICROPHONE_LOW_HZ = 40.0  # the PDM filter of a Nano 33 BLE Sense blocks what is slower
MICROPHONE_HIGH_HZ = 7600.0  # and its decimator begins to fall here


@dataclass(frozen=True)
class Chain:
    """One loudspeaker and one room of the bank."""

    low_hz: float
    high_hz: float
    resonance_hz: float
    resonance_db: float
    room: int

    def __str__(self) -> str:
        return f"speaker{self.low_hz:.0f}-{self.high_hz:.0f} room{self.room}"


def draw_chain(rng: np.random.Generator) -> Chain:
    """A random small loudspeaker (nothing below 80–400 Hz, nothing above 5–12 kHz, one resonance) in a random room."""
    low = float(80 * 5 ** rng.random())
    return Chain(low, float(rng.uniform(5000, 12000)), float(rng.uniform(1.2, 8) * low), float(rng.uniform(-6, 6)),
                 int(rng.integers(BANK)))  # fmt: skip


def hear(signal: Sound, sample_rate: int, chain: Chain) -> Sound:
    """`signal`, shape (n,), as the microphone hears it, at the same RMS.

    The convolution is circular: what rings on after the end is heard at the start, since a window is cut from music
    that was already sounding.
    """
    n = len(signal)
    hz = np.fft.rfftfreq(n, 1 / sample_rate).astype(np.float64)
    spectrum = np.fft.rfft(signal) * room_spectrum(chain.room, n, sample_rate) * _gain(chain, hz).astype(np.float32)
    heard: Sound = np.fft.irfft(spectrum, n).astype(np.float32)
    before, after = float(np.linalg.norm(signal)), float(np.linalg.norm(heard))
    return heard * np.float32(before / max(after, 1e-9))


def tilt(signal: Sound, sample_rate: int, tilt_db: float) -> Sound:
    """Raise the treble by `tilt_db` over the bass, linearly in octaves from 62.5 Hz to 8 kHz, at the same RMS."""
    hz = np.fft.rfftfreq(len(signal), 1 / sample_rate)
    octaves = np.log2(np.clip(hz, 62.5, 8000) / 707.0) / 7.0
    bent: Sound = np.fft.irfft(np.fft.rfft(signal) * 10 ** (tilt_db * octaves / 20), len(signal)).astype(np.float32)
    return bent * np.float32(np.linalg.norm(signal) / max(float(np.linalg.norm(bent)), 1e-9))


def _gain(chain: Chain, hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Amplitude response of loudspeaker and microphone: high-pass and low-pass of 12 dB an octave, one peak."""
    above = np.maximum(hz, 1.0)
    speaker = 1 / np.sqrt(1 + (chain.low_hz / above) ** 4) / np.sqrt(1 + (hz / chain.high_hz) ** 4)
    octaves = np.log2(above / chain.resonance_hz)
    peak = 10 ** (chain.resonance_db * np.exp(-(octaves**2) * 4) / 20)
    microphone = 1 / np.sqrt(1 + (MICROPHONE_LOW_HZ / above) ** 4) / np.sqrt(1 + (hz / MICROPHONE_HIGH_HZ) ** 12)
    gain: NDArray[np.float64] = speaker * peak * microphone * (hz > 0)
    return gain
