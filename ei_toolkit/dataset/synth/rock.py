"""Distorted power chords over drums."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ei_toolkit.dataset.synth.sound import Sound, band, decay, envelope, midi_hz, mix_in, seconds, tone

PROGRESSIONS = ((0, 5, 7, 5), (0, 3, 5, 0), (0, 8, 10, 0), (0, 10, 8, 7))  # semitones above the key


@dataclass(frozen=True)
class Band:
    """What the clips of one pseudo artist share."""

    key: int  # MIDI note of the lowest chord
    beats_per_minute: float
    drive: float
    cabinet_hz: float
    drums: float


def bands(count: int, rng: np.random.Generator) -> list[Band]:
    """So many different bands."""
    return [
        Band(int(rng.integers(38, 48)), rng.uniform(100, 170), rng.uniform(4, 20), rng.uniform(3000, 6000),
             rng.uniform(0.5, 1.2))
        for _ in range(count)
    ]  # fmt: skip


def play(who: Band, length: float, rng: np.random.Generator) -> Sound:
    """One clip of `length` seconds, its peak at 1."""
    beat = 60 / (who.beats_per_minute * rng.uniform(0.95, 1.05))
    key = who.key + rng.uniform(-0.5, 0.5)  # no two clips are tuned alike
    guitar, drums = np.zeros_like(seconds(length)), np.zeros_like(seconds(length))
    progression = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
    for eighth in range(int(length / (beat / 2)) + 1):
        at = max(0.0, eighth * beat / 2 + rng.normal(0, 0.015))
        root = key + progression[eighth // 8 % len(progression)]
        if rng.random() < 0.8:
            mix_in(guitar, _strum(root, beat * rng.choice([0.35, 0.5, 0.9])), at)
        _hit(drums, eighth, at, rng)
    heard = band(np.tanh(who.drive * guitar), 90, who.cabinet_hz) + who.drums * drums
    return heard / float(np.abs(heard).max())


@lru_cache(maxsize=64)
def _strum(root: float, length: float) -> Sound:
    """Root, fifth and octave of a guitar string, plucked."""
    partials = 1 / np.arange(1.0, 13.0)
    notes = (tone(midi_hz(root + interval), length, partials) for interval in (0, 7.02, 12))
    return sum(notes, np.zeros_like(seconds(length))) * envelope(length, 0.004, 0.03) * decay(length, 0.6)


def _hit(drums: Sound, eighth: int, at: float, rng: np.random.Generator) -> None:
    """Bass drum on one and three, snare on two and four, hi-hat always."""
    noise = rng.standard_normal(len(seconds(0.2)))
    mix_in(drums, 0.3 * band(noise, 6000, 11000) * decay(0.2, 0.03), at)
    if eighth % 4 == 0 or rng.random() < 0.2:
        t = seconds(0.25)
        mix_in(drums, np.sin(2 * np.pi * (50 * t + 4 * (1 - np.exp(-t / 0.03)))) * decay(0.25, 0.08), at)
    if eighth % 4 == 2:
        mix_in(drums, 0.8 * (0.5 * band(noise, 300, 8000) + tone(185, 0.2, np.ones(1))) * decay(0.2, 0.06), at)
