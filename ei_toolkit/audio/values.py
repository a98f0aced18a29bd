"""The values of a clip: one channel of them, in −1…1, once they are known to be sound.

Every way into eitk checks with `ValueChecks`: slice, play, verify, upload and audit, which read files through `decode`,
and the studio, which has samples already and calls `one_channel`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.config.settings import Reading
from ei_toolkit.errors import DataError

INT16_SCALE = 32768
LARGEST_SAMPLE = 16.0  # of full scale 1: float samples beyond it have another scale
FULL_SCALE = 32767 / INT16_SCALE  # the largest sample of 16 bits
CANCELLED = 1e-3  # part of the channels' power that is left in their mean where they cancel
SILENT_POWER = 1e-6  # below it channels that cancel are only silent
CLIPPED_PART = 1e-3  # of the samples at full scale, from which on a warning is given
LARGEST_OFFSET = 0.1  # of full scale: a larger mean of a clip is warned of

Floats = NDArray[np.float32]


def one_channel(
    name: str, values: NDArray[np.floating], reading: Reading | None = None, *, floats: bool = False
) -> tuple[Floats, tuple[str, ...]]:
    """Return one channel of the samples of a file, shape (n, channels) to (n,), and what is to be warned of.

    Integers are divided by their full scale before; `floats` states that the file holds floating-point numbers. Raises
    DataError, beginning with `name`, for values that cannot be sound.
    """
    checks = ValueChecks(name, reading or Reading(), floats)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is rejected
        [mixed] = checks.mono([values.astype(np.float32)])
    return mixed, tuple(checks.at_the_end())


@dataclass
class ValueChecks:
    """What is checked of the values of a clip, block by block. `floats`: the file holds floating-point numbers."""

    name: str
    reading: Reading
    floats: bool = False
    samples: int = 0
    clipped: int = 0
    peak: float = 0.0
    total: float = 0.0
    power: float = 0.0  # of the mean of the channels
    channel_power: float = 0.0  # mean of the channels' own

    def mono(self, blocks: Iterable[Floats]) -> Iterator[Floats]:
        """Yield one channel of each block, shape (n, channels) to (n,). Raises DataError for what cannot be sound."""
        for block in blocks:
            scaled = block / np.float32(INT16_SCALE) if self._is_int16_range else block
            self._check_values(scaled)
            mixed = self._mixed(scaled)
            self.samples += len(mixed)
            self.total += float(mixed.sum())
            yield mixed

    def at_the_end(self) -> Iterator[str]:
        """Yield what to warn of, once the whole clip is read.

        Raises DataError where the channels cancel each other, and where samples that should have the range of
        int16 do not.
        """
        if self._is_int16_range and 0 < self.peak <= 1 / INT16_SCALE:
            raise DataError(
                f"{self.name}: samples up to {self.peak * INT16_SCALE:.2g}, expected −32768 to 32767",
                why='[slice] float_range = "int16"',
                hint='Read this file with [slice] float_range = "unit".',
            )
        if self.channel_power > SILENT_POWER * self.samples and self.power < CANCELLED * self.channel_power:
            raise DataError(
                f"{self.name}: the channels cancel each other in their mean",
                why="one is the other with its sign changed",
                hint='Choose one: --channel left, or [slice] channel = "left".',
            )
        if self.samples and self.clipped > CLIPPED_PART * self.samples:
            yield f"clipped: {self.clipped / self.samples:.1%} of the samples are at full scale"
        if self.samples and abs(self.total / self.samples) > LARGEST_OFFSET:
            yield f"constant offset of {self.total / self.samples:+.2f} of full scale"

    @property
    def _is_int16_range(self) -> bool:
        return self.floats and self.reading.float_range == "int16"

    def _mixed(self, block: Floats) -> Floats:
        if block.shape[1] == 1 or self.reading.channel == "left":
            return block[:, 0]
        if self.reading.channel == "right":
            return block[:, 1]
        mixed: Floats = block.mean(axis=1, dtype=np.float32)
        self.power += float(np.dot(mixed, mixed))
        self.channel_power += float(np.square(block).mean(axis=1).sum())
        return mixed

    def _check_values(self, block: Floats) -> None:
        peak = max(float(block.max(initial=0.0)), -float(block.min(initial=0.0)))
        if not math.isfinite(peak):
            raise DataError(f"{self.name}: holds values that are not numbers")
        if peak > LARGEST_SAMPLE:
            if self._is_int16_range:
                raise DataError(f"{self.name}: samples up to {peak * INT16_SCALE:,.0f}, expected −32768 to 32767")
            raise DataError(
                f"{self.name}: samples up to {peak:,.0f}, expected −1 to 1",
                hint='Divide by 32768 if they are 16-bit samples written as float, or set [slice] float_range = "int16"'
                " (--float-range int16).",
            )
        self.peak = max(self.peak, peak)
        if peak >= FULL_SCALE:
            self.clipped += int((np.abs(block).max(axis=1) >= FULL_SCALE).sum())
