"""The elements that both textures are made of: tones, noise, filters, rooms."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.wav import wav_bytes

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
        summed += amplitude
        summed *= turning
    mixed: Sound = summed.imag
    return mixed


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
    mixed = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail / np.linalg.norm(tail), size), size)
    return (1 - wet) * sound + wet * mixed[: len(sound)]


def mix_in(track: Sound, sound: Sound, at: float) -> None:
    """Add `sound` to `track` from `at` seconds on; what hangs over the end is cut."""
    start = round(at * RATE)
    part = sound[: max(0, len(track) - start)]
    track[start : start + len(part)] += part


CHORDS = ((0, 4, 7, 12), (-3, 0, 4, 9), (5, 9, 12, 17), (-5, -1, 2, 7), (2, 5, 9, 14))  # semitones above the key


@dataclass(frozen=True)
class Ensemble:
    """The properties that all clips of one synthetic artist share."""

    key: int  # MIDI note of the tonic
    chord_seconds: float
    piano: float  # 0: strings only, 1: piano only
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


def play_ensemble(who: Ensemble, length: float, rng: np.random.Generator) -> Sound:
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
    mixed = hall(band(track, 60, 5000, slope=2), who.reverberation, 0.4, rng)
    return mixed / float(np.abs(mixed).max())


def _bowed(who: Ensemble, note: int, length: float, rng: np.random.Generator) -> Sound:
    partials: Sound = np.arange(1.0, 16.0) ** -who.brightness
    mixed = tone(midi_hz(note + rng.normal(0, 0.04)), length, partials, who.vibrato, rng.uniform(4.8, 6.2))
    return mixed * envelope(length, 0.25, 0.3) * rng.uniform(0.6, 1.0)


def _struck(who: Ensemble, note: int, length: float) -> Sound:
    partials: Sound = np.arange(1.0, 12.0) ** -(who.brightness + 0.3)
    return tone(midi_hz(note), length, partials) * envelope(length, 0.005, 0.1) * decay(length, 0.8)


PROGRESSIONS = ((0, 5, 7, 5), (0, 3, 5, 0), (0, 8, 10, 0), (0, 10, 8, 7))  # semitones above the key


@dataclass(frozen=True)
class Band:
    """The properties that all clips of one synthetic artist share."""

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


def play_band(who: Band, length: float, rng: np.random.Generator) -> Sound:
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
    mixed = band(np.tanh(who.drive * guitar), 90, who.cabinet_hz) + who.drums * drums
    return mixed / float(np.abs(mixed).max())


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


GENRES = ("classical", "rock")
CLIPS_PER_ARTIST = 3


def write_demo_clips(folder: Path, seed: int = 7, clips_per_genre: int = 24, seconds: float = 12.0) -> list[Path]:
    """Write FOLDER/<genre>/<genre>.synth.<nnn>.wav and FOLDER/groups.csv; return the clips' paths.

    Every three clips of a genre share a pseudo artist (timbre, key, tempo, room), so that a split by artist has
    something to keep apart. The same arguments give the same bytes.
    """
    paths, rows = [], []
    for genre in GENRES:
        (folder / genre).mkdir(parents=True, exist_ok=True)
        for number, samples in enumerate(_clips(genre, seed, clips_per_genre, seconds)):
            path = folder / genre / f"{genre}.synth.{number:03d}.wav"
            path.write_bytes(wav_bytes(samples, RATE))
            paths.append(path)
            rows.append((f"{genre}/{path.name}", f"synthetic {genre} artist {number // CLIPS_PER_ARTIST + 1}"))
    (folder / "groups.csv").write_text(_csv(rows), encoding="utf-8")
    return paths


def _clips(genre: str, seed: int, count: int, seconds: float) -> Iterator[NDArray[np.int16]]:
    rng = np.random.default_rng([seed, GENRES.index(genre)])
    artists = -(-count // CLIPS_PER_ARTIST)
    if genre == "rock":
        players = [partial(play_band, one) for one in bands(artists, rng)]
    else:
        players = [partial(play_ensemble, one) for one in ensembles(artists, rng)]
    for number in range(count):
        peak = 10 ** (rng.uniform(-18, -2) / 20)  # loudness must not identify the genre
        yield _to_int16(players[number // CLIPS_PER_ARTIST](seconds, rng) * peak)


def _to_int16(sound: Sound) -> NDArray[np.int16]:
    return np.rint(sound * 32767).astype(np.int16)


def _csv(rows: list[tuple[str, str]]) -> str:
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(("clip", "group"))
    out.writerows(rows)
    return text.getvalue()
