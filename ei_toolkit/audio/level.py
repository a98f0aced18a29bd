"""One level for every window, in integer arithmetic that the sketch repeats digit for digit (level.h)."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.config.setting import Level


@dataclass(frozen=True)
class LevelConstants:
    """The two integers that the sketch is compiled with."""

    target: int
    max_gain_q16: int


def level_constants(target_dbfs: float, max_gain_db: float) -> LevelConstants:
    """Target RMS in units of one int16 step, and the largest gain times 65536."""
    return LevelConstants(round(32768 * 10 ** (target_dbfs / 20)), round(65536 * 10 ** (max_gain_db / 20)))


def apply_level(
    window: NDArray[np.int16], level: Level, target_dbfs: float = -20.0, max_gain_db: float = 40.0
) -> NDArray[np.int16]:
    """A window of int16 samples, shape (n,), with its mean removed ("dc") and its RMS set to a target ("rms").

    The mean is floor((sum + n // 2) / n); the RMS is a floor square root times 256; the gain is bounded, times 65536,
    and its product is rounded half up by an arithmetic shift. Nothing depends on floating point.
    """
    n = len(window)
    if level == "none" or n == 0:
        return window
    mean = (int(window.sum(dtype=np.int64)) + n // 2) // n
    centred = window.astype(np.int64) - mean
    if level == "rms":
        constants = level_constants(target_dbfs, max_gain_db)
        rms_q8 = isqrt((int(centred @ centred) << 16) // n)
        gain_q16 = min(constants.max_gain_q16, (constants.target << 24) // max(rms_q8, 1))
        centred = (centred * gain_q16 + 32768) >> 16
    return np.clip(centred, -32768, 32767).astype(np.int16)
