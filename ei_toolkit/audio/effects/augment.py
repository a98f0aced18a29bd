"""Augmented copies of a window, with a description of each augmentation for the manifest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.effects.conditions import to_int16
from ei_toolkit.audio.effects.device import apply_profile, load_profile
from ei_toolkit.audio.effects.microphone import draw_microphone, simulate_microphone
from ei_toolkit.audio.effects.noise import Colour, add_noise, coloured, recorded
from ei_toolkit.audio.effects.stretch import fit, pitch_shift, time_stretch
from ei_toolkit.config import AugmentSettings

Sound = NDArray[np.float32]
COLOURS: tuple[Colour, ...] = ("white", "pink")
RUMBLE_DB = (0.0, 20.0)  # below the signal
OFFSET = 300.0  # largest constant offset, in steps of 16 bits


def augment_window(
    samples: NDArray[np.int16], sample_rate: int, settings: AugmentSettings, rng: np.random.Generator
) -> tuple[NDArray[np.int16], str]:
    """Return one augmented copy of a window, shape (n,), and a description of its steps in order.

    All random numbers come from `rng`, so with one generator for each window the result does not depend on the order.
    """
    done: list[str] = []
    signal = samples.astype(np.float32)
    signal = _tempo_and_pitch(signal, settings, rng, done)
    signal = _through_air(signal, sample_rate, settings, rng, done)
    if settings.profile:
        signal = apply_profile(signal, sample_rate, load_profile(settings.profile), rng)
        done.append("device")
    signal = _with_noise(signal, sample_rate, settings, rng, done)
    signal = _with_rumble(signal, sample_rate, settings, rng, done)
    if settings.gain_db:
        gain = float(rng.uniform(-settings.gain_db, settings.gain_db))
        signal = signal * np.float32(10 ** (gain / 20))
        done.append(f"gain{gain:+.1f}")
    return to_int16(signal), " ".join(done)


def _tempo_and_pitch(signal: Sound, settings: AugmentSettings, rng: np.random.Generator, done: list[str]) -> Sound:
    if settings.stretch:
        rate = float(rng.uniform(1 - settings.stretch, 1 + settings.stretch))
        signal = fit(time_stretch(signal, rate), len(signal))
        done.append(f"tempo{rate:.3f}")
    if settings.pitch_semitones:
        semitones = float(rng.uniform(-settings.pitch_semitones, settings.pitch_semitones))
        signal = pitch_shift(signal, semitones)
        done.append(f"pitch{semitones:+.2f}")
    return signal


def _through_air(
    signal: Sound, sample_rate: int, settings: AugmentSettings, rng: np.random.Generator, done: list[str]
) -> Sound:
    tilt_db = float(rng.uniform(-settings.tilt_db, settings.tilt_db)) if settings.tilt_db else 0.0
    microphone = draw_microphone(rng) if rng.random() < settings.room else None
    if not tilt_db and microphone is None:
        return signal
    done += [f"tilt{tilt_db:+.1f}"] if tilt_db else []
    done += [str(microphone)] if microphone else []
    return simulate_microphone(signal, sample_rate, microphone, tilt_db)


def _with_noise(
    signal: Sound, sample_rate: int, settings: AugmentSettings, rng: np.random.Generator, done: list[str]
) -> Sound:
    if not settings.noise_snr_db:
        return signal
    low, high = settings.noise_snr_db
    snr_db = float(rng.uniform(low, high))
    kind = int(rng.integers(len(COLOURS) + bool(settings.noise_files)))
    if kind < len(COLOURS):
        name: str = COLOURS[kind]
        noise = coloured(COLOURS[kind], len(signal), sample_rate, rng)
    else:
        noise, name = recorded(Path(settings.noise_files), len(signal), sample_rate, rng)
    done.append(f"{name}{snr_db:.1f}")
    return add_noise(signal, noise, snr_db)


def _with_rumble(
    signal: Sound, sample_rate: int, settings: AugmentSettings, rng: np.random.Generator, done: list[str]
) -> Sound:
    if rng.random() >= settings.rumble:
        return signal
    below = float(rng.uniform(*RUMBLE_DB))
    offset = float(rng.uniform(-OFFSET, OFFSET))
    done.append(f"rumble{below:.1f} offset{offset:+.0f}")
    return add_noise(signal, coloured("rumble", len(signal), sample_rate, rng), below) + np.float32(offset)
