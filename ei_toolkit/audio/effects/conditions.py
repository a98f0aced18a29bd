"""Conditions under which a model is tested: gain, noise, and a simulated loudspeaker, room and microphone."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.effects.microphone import draw_microphone, simulate_microphone
from ei_toolkit.audio.effects.noise import Colour, add_noise, coloured
from ei_toolkit.errors import ConfigurationError

Sound = NDArray[np.float32]
MIC_SNR_DB = 15.0
MIC_GAIN_DB = 20.0
MIC_OFFSET = 300  # largest constant offset of the microphone, in steps of 16 bits


def apply_condition(name: str, window: NDArray[np.int16], sample_rate: int, seed: int) -> NDArray[np.int16]:
    """Return a window of int16 samples, shape (n,), under a condition; see CONDITIONS.

    The same arguments give the same samples. Values outside 16 bits are clipped. Raises ConfigurationError for an
    unknown name.
    """
    if name not in _APPLY:
        raise ConfigurationError(f"there is no condition {name!r}", hint="Conditions: " + ", ".join(CONDITIONS))
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return to_int16(_APPLY[name](window.astype(np.float32), sample_rate, rng))


def to_int16(signal: Sound) -> NDArray[np.int16]:
    """Round and clip to 16 bits."""
    return np.clip(np.rint(signal), -32768, 32767).astype(np.int16)


def _gain(signal: Sound, _rate: int, _rng: np.random.Generator, gain_db: float) -> Sound:
    return signal * np.float32(10 ** (gain_db / 20))


def _noise(signal: Sound, rate: int, rng: np.random.Generator, colour: Colour, snr_db: float) -> Sound:
    return add_noise(signal, coloured(colour, len(signal), rate, rng), snr_db)


def _mic(signal: Sound, rate: int, rng: np.random.Generator) -> Sound:
    """Small loudspeaker, room, pink noise at 15 dB, gain of up to 20 dB either way, constant offset."""
    filtered = simulate_microphone(signal - signal.mean(), rate, draw_microphone(rng))
    noisy = add_noise(filtered, coloured("pink", len(filtered), rate, rng), MIC_SNR_DB)
    gain = 10 ** (rng.uniform(-MIC_GAIN_DB, MIC_GAIN_DB) / 20)
    return noisy * np.float32(gain) + np.float32(rng.uniform(-MIC_OFFSET, MIC_OFFSET))


_APPLY: dict[str, Callable[[Sound, int, np.random.Generator], Sound]] = {
    **{f"gain{db:+d}": partial(_gain, gain_db=db) for db in (-20, -10, 10, 20)},
    **{f"white{db}": partial(_noise, colour="white", snr_db=db) for db in (20, 10, 5)},
    **{f"pink{db}": partial(_noise, colour="pink", snr_db=db) for db in (20, 10, 5)},
    "mic": _mic,
}
CONDITIONS = tuple(_APPLY)
