"""Noise at a chosen signal-to-noise ratio: white, pink, rumble, or recorded."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.decode import read_blocks
from ei_toolkit.errors import ConfigurationError, DataError

Sound = NDArray[np.float32]
Colour = Literal["white", "pink", "rumble"]
KEPT_SECONDS = 120  # of each recording; noise does not need more
EXPONENT: dict[Colour, float] = {"white": 0.0, "pink": -0.5, "rumble": -1.0}  # of amplitude over frequency
RUMBLE_HZ = 120.0
SILENT_RMS = 1e-6


def coloured(colour: Colour, n: int, sample_rate: int, rng: np.random.Generator) -> Sound:
    """Noise of unit RMS, shape (n,): white, pink (power falls as 1/f) or rumble (1/f², below 120 Hz only).

    A window that is too short for a wave of such a frequency gets none.
    """
    if colour == "white":
        return rng.standard_normal(n, dtype=np.float32)
    parts = rng.standard_normal((n // 2 + 1, 2), dtype=np.float32)
    noise: Sound = np.fft.irfft(parts.view(np.complex64)[:, 0] * _shape(colour, n, sample_rate), n).astype(np.float32)
    noise *= 1 / max(rms(noise), SILENT_RMS)
    return noise


@lru_cache(maxsize=8)
def _shape(colour: Colour, n: int, sample_rate: int) -> Sound:
    """Amplitude of a coloured noise over frequency, shape (n // 2 + 1,); nothing below 10 Hz."""
    hz = np.fft.rfftfreq(n, 1 / sample_rate)
    shape: NDArray[np.float64] = np.maximum(hz, 20.0) ** EXPONENT[colour] * (hz >= 10)
    return (shape * (hz < RUMBLE_HZ) if colour == "rumble" else shape).astype(np.float32)


def recorded(folder: Path, n: int, sample_rate: int, rng: np.random.Generator) -> tuple[Sound, str]:
    """A random piece of a random recording in `folder`, unit RMS, shape (n,), and the recording's name.

    Raises ConfigurationError where the folder holds none that can be read.
    """
    files = _recordings(folder)
    file = files[int(rng.integers(len(files)))]
    samples = _load(file, sample_rate)
    start = int(rng.integers(len(samples)))
    piece = np.take(samples, np.arange(start, start + n), mode="wrap")
    return piece / max(rms(piece), SILENT_RMS), file.stem


def add_noise(signal: Sound, noise: Sound, snr_db: float) -> Sound:
    """`signal` with `noise` (of unit RMS) `snr_db` below the signal's RMS."""
    return signal + noise * np.float32(rms(signal - signal.mean()) * 10 ** (-snr_db / 20))


def rms(signal: Sound) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.dot(signal, signal) / max(len(signal), 1)))


@lru_cache(maxsize=4)
def _recordings(folder: Path) -> tuple[Path, ...]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if not files:
        raise ConfigurationError(f"no recordings in {folder}", hint="Correct [slice.augment] noise_files.")
    return tuple(files)


@lru_cache(maxsize=32)
def _load(file: Path, sample_rate: int) -> Sound:
    blocks: list[NDArray[np.int16]] = []
    try:
        for block in read_blocks(file, sample_rate):
            blocks.append(block)
            if sum(map(len, blocks)) >= KEPT_SECONDS * sample_rate:
                break
    except DataError as error:
        raise ConfigurationError(
            f"the noise {file.name} cannot be used", why=str(error), hint="Remove it from [slice.augment] noise_files."
        ) from None
    return np.concatenate(blocks)[: KEPT_SECONDS * sample_rate].astype(np.float32)
