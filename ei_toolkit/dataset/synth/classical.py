"""Sustained strings with vibrato and struck piano strings, in a room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ei_toolkit.dataset.synth.sound import Sound, band, decay, envelope, hall, midi_hz, mix_in, seconds, tone

CHORDS = ((0, 4, 7, 12), (-3, 0, 4, 9), (5, 9, 12, 17), (-5, -1, 2, 7), (2, 5, 9, 14))  # semitones above the key


@dataclass(frozen=True)
class Ensemble:
    """What the clips of one pseudo artist share."""

    key: int  # MIDI note of the tonic
    chord_seconds: float
    piano: float  # 0: strings alone, 1: piano alone
    brightness: float  # amplitudes of the partials fall with this power
    vibrato: float
    reverberation: float


def ensembles(count: int, rng: np.random.Generator) -> list[Ensemble]:
    """So many different ensembles."""
    return [
        Ensemble(int(rng.integers(55, 66)), rng.uniform(1.2, 2.8), rng.choice([0.0, 0.25, 0.6, 1.0]),
                 rng.uniform(1.3, 2.2), rng.uniform(0.003, 0.008), rng.uniform(0.8, 2.2))
        for _ in range(count)
    ]  # fmt: skip


def play(who: Ensemble, length: float, rng: np.random.Generator) -> Sound:
    """One clip of `length` seconds, its peak at 1."""
    track = np.zeros_like(seconds(length))
    at = 0.0
    while at < length:
        lasts = who.chord_seconds * rng.uniform(0.8, 1.25)
        chord = CHORDS[rng.integers(len(CHORDS))]
        for note in (*chord, chord[0] - 12):
            if who.piano < 1:
                mix_in(track, (1 - who.piano) * _bowed(who, who.key + note, lasts * 1.1, rng), at)
        for step in range(4 if who.piano else 0):
            note = chord[rng.integers(len(chord))]
            mix_in(track, 2 * who.piano * _struck(who, who.key + note, lasts), at + step * lasts / 4)
        at += lasts
    heard = hall(band(track, 60, 5000, slope=2), who.reverberation, 0.4, rng)
    return heard / float(np.abs(heard).max())


def _bowed(who: Ensemble, note: int, length: float, rng: np.random.Generator) -> Sound:
    partials: Sound = np.arange(1.0, 16.0) ** -who.brightness
    heard = tone(midi_hz(note + rng.normal(0, 0.04)), length, partials, who.vibrato, rng.uniform(4.8, 6.2))
    return heard * envelope(length, 0.25, 0.3) * rng.uniform(0.6, 1.0)


def _struck(who: Ensemble, note: int, length: float) -> Sound:
    partials: Sound = np.arange(1.0, 12.0) ** -(who.brightness + 0.3)
    return tone(midi_hz(note), length, partials) * envelope(length, 0.005, 0.1) * decay(length, 0.8)
