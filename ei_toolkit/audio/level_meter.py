"""Level of sound while it is recorded: RMS, peak, clipped samples, and silence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 32768
CLIPPED_FROM = 32700  # the filters of a microphone do not always reach full scale when it clips
MOST_CLIPPED = 3  # samples of a recording that may be clipped without a warning
SILENT_DBFS = -75.0  # below the noise of a microphone that works
SILENT_AFTER_S = 2.0
SHOWN_S = 0.1  # of sound in one value of the meter
BAR_DB = 60  # from full scale down
BAR_CELLS = 20


@dataclass
class LevelMeter:
    """Measures the samples of one recording as they arrive. Levels are in dB relative to full scale."""

    rate: int
    samples: int = 0
    clipped: int = 0
    silent: int = 0  # samples at the end whose level is at most SILENT_DBFS
    peak: int = 0
    level_dbfs: float = -np.inf
    power: float = 0.0  # sum of the powers of all samples

    def add(self, samples: NDArray[np.int16]) -> None:
        """Add samples of any number, shape (n,)."""
        step = max(1, int(self.rate * SHOWN_S))
        for start in range(0, len(samples), step):
            self._add_part(samples[start : start + step].astype(np.float64))

    def _add_part(self, part: NDArray[np.float64]) -> None:
        magnitude = np.abs(part)
        power = float(np.square(part - part.mean()).sum())
        self.samples += len(part)
        self.power += power
        self.clipped += int((magnitude >= CLIPPED_FROM).sum())
        self.peak = max(self.peak, int(magnitude.max()))
        self.level_dbfs = dbfs(power / len(part))
        self.silent = self.silent + len(part) if self.level_dbfs <= SILENT_DBFS else 0

    @property
    def mean_dbfs(self) -> float:
        """Level of the whole recording."""
        return dbfs(self.power / max(1, self.samples))

    @property
    def is_clipped(self) -> bool:
        """Whether more samples are clipped than a loud moment explains."""
        return self.clipped > MOST_CLIPPED

    @property
    def is_silent(self) -> bool:
        """Whether the input was silent for SILENT_AFTER_S."""
        return self.silent >= SILENT_AFTER_S * self.rate

    def bar(self) -> str:
        """Return the level as a bar and in dBFS."""
        filled = int(np.clip((self.level_dbfs + BAR_DB) / BAR_DB * BAR_CELLS, 0, BAR_CELLS))
        clipped = " CLIPPED" if self.is_clipped else ""
        level = "silent" if self.level_dbfs == -np.inf else f"{self.level_dbfs:.0f} dBFS"
        return f"[{'#' * filled}{'-' * (BAR_CELLS - filled)}] {level}{clipped}"


def dbfs(power: float) -> float:
    """Return the level of a mean power of 16-bit samples in dB relative to full scale."""
    return float(10 * np.log10(power / FULL_SCALE**2)) if power > 0 else -np.inf
