"""Clips of noise for benchmarks of slicing; what is in the clips does not change the time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ei_toolkit.audio.wav import wav_bytes


def write_noise(folder: Path, clips: int, seconds: int, rate: int) -> Path:
    """Write so many clips, half of them under each of two labels; return the folder."""
    rng = np.random.default_rng(0)
    for number in range(clips):
        samples = (3000 * rng.standard_normal(seconds * rate, dtype=np.float32)).astype(np.int16)
        path = folder / ("rock" if number % 2 else "classical") / f"{number:05d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wav_bytes(samples, rate))
    return folder
