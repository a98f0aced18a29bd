"""Cut sound at its silences while it arrives, in bounded memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.level_meter import dbfs
from ei_toolkit.audio.silence import KEPT_MS, LONGEST_PAUSE_MS

FRAME_MS = 20
SHORTEST_MS = 100  # a shorter sound is a click

Samples = NDArray[np.int16]


@dataclass
class SilenceSplitter:
    """Returns the stretches between silences of LONGEST_PAUSE_MS; KEPT_MS of silence stay on either side of them.

    A frame of FRAME_MS is silent if the level of its samples about their mean is at most `silence_dbfs`. A stretch
    ends at `longest_s` at the latest.
    """

    rate: int
    silence_dbfs: float
    longest_s: float
    _rest: Samples = field(default_factory=lambda: np.empty(0, np.int16))
    _before: deque[Samples] = field(default_factory=lambda: deque(maxlen=KEPT_MS // FRAME_MS))
    _stretch: list[Samples] = field(default_factory=list)
    _quiet: int = 0  # silent frames at the end of the stretch
    _loud: int = 0  # frames of the stretch that are not silent

    def add(self, samples: Samples) -> list[Samples]:
        """Return the stretches that these samples end."""
        frame = self.rate * FRAME_MS // 1000
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // frame * frame
        self._rest = samples[whole:]
        found = (self._add_frame(one) for one in samples[:whole].reshape(-1, frame))
        return [stretch for stretch in found if stretch is not None]

    def finish(self) -> list[Samples]:
        """Return the stretch that the end of the sound ends, if there is one."""
        stretch = self._end()
        return [] if stretch is None else [stretch]

    def discard(self) -> None:
        """Forget the stretch that has begun: samples behind it are missing."""
        self._rest = np.empty(0, np.int16)
        self._before.clear()
        self._end()

    def _add_frame(self, frame: Samples) -> Samples | None:
        silent = dbfs(float(np.var(frame.astype(np.float64)))) <= self.silence_dbfs
        if silent and not self._stretch:
            self._before.append(frame)
            return None
        if not self._stretch:
            self._stretch = list(self._before)
            self._before.clear()
        self._stretch.append(frame)
        self._quiet = self._quiet + 1 if silent else 0
        self._loud += not silent
        too_long = len(self._stretch) * FRAME_MS >= self.longest_s * 1000
        return self._end() if too_long or self._quiet * FRAME_MS >= LONGEST_PAUSE_MS else None

    def _end(self) -> Samples | None:
        stretch, loud = self._stretch, self._loud
        kept = len(stretch) - max(0, self._quiet - KEPT_MS // FRAME_MS)
        self._before.extend(stretch[kept:])
        self._stretch, self._quiet, self._loud = [], 0, 0
        return np.concatenate(stretch[:kept]) if loud * FRAME_MS >= SHORTEST_MS else None
