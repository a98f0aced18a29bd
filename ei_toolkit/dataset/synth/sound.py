"""The elements that both textures are made of: tones, noise, filters, rooms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 22_050  # as GTZAN's clips
Sound = NDArray[np.float64]


def seconds(length: float) -> Sound:
    """Time axis in seconds, shape (length * RATE,)."""
    return np.arange(round(length * RATE), dtype=np.float64) / RATE


def midi_hz(note: float) -> float:
    """Frequency of a MIDI note; 69 is 440 Hz."""
    return float(440.0 * 2 ** ((note - 69) / 12))


def tone(hz: float, length: float, partials: Sound, vibrato: float = 0.0, vibrato_hz: float = 5.5) -> Sound:
    """A harmonic tone: `partials` are the amplitudes from the fundamental up; those above RATE / 2 are left out.

    `vibrato` is the largest deviation of frequency, relative.
    """
    t = seconds(length)
    phase = 2 * np.pi * hz * (t - vibrato / (2 * np.pi * vibrato_hz) * np.cos(2 * np.pi * vibrato_hz * t))
    turning = np.exp(1j * phase)
    summed = np.zeros_like(turning)
    for amplitude in partials[: int(0.48 * RATE / hz)][::-1]:  # Horner's rule: partial k is the k-th power
        summed = (summed + amplitude) * turning
    heard: Sound = summed.imag
    return heard


def envelope(length: float, attack: float, release: float) -> Sound:
    """Rises in `attack` seconds, holds, falls in `release` seconds."""
    t = seconds(length)
    return np.clip(np.minimum(t / attack, (length - t) / release), 0.0, 1.0)


def decay(length: float, time: float) -> Sound:
    """Falls exponentially by 1/e in `time` seconds."""
    return np.exp(-seconds(length) / time)


def band(sound: Sound, low_hz: float, high_hz: float, slope: int = 4) -> Sound:
    """Keep a band; outside of it the amplitude falls with the power `slope` of frequency."""
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    gain = 1 / (1 + (hz / high_hz) ** slope) / (1 + (low_hz / np.maximum(hz, 1e-3)) ** slope)
    return np.fft.irfft(np.fft.rfft(sound) * gain, len(sound))


def hall(sound: Sound, reverberation: float, wet: float, rng: np.random.Generator) -> Sound:
    """Add a room: noise that decays by 60 dB in `reverberation` seconds, the treble sooner."""
    tail = rng.standard_normal(round(reverberation * RATE)) * decay(reverberation, reverberation / 6.9)
    tail = band(tail[: len(seconds(reverberation))], 80, 3500, slope=2)
    size = 1 << (len(sound) + len(tail)).bit_length()  # a length that the transform is quick with
    heard = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail / np.linalg.norm(tail), size), size)
    return (1 - wet) * sound + wet * heard[: len(sound)]


def mix_in(track: Sound, sound: Sound, at: float) -> None:
    """Add `sound` to `track` from `at` seconds on; what hangs over the end is cut."""
    start = round(at * RATE)
    part = sound[: max(0, len(track) - start)]
    track[start : start + len(part)] += part
