"""The epochs of a training, from the lines of its log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from ei_toolkit.client.jobs.wait import METRIC, TrainingProgress

MEASURES = ("loss", "accuracy", "val_loss", "val_accuracy")


class Epoch(NamedTuple):
    """An epoch that has ended: its number, from 1, and its values by the names of Keras."""

    number: int
    values: dict[str, float]


WriteEpoch = Callable[[Epoch], None]
"""Adds an epoch to a log."""


@dataclass
class Epochs:
    """Finds the ends of epochs; `history` has the values of all that have ended, by the names of Keras."""

    history: dict[str, list[float]] = field(default_factory=dict)
    _open: TrainingProgress | None = None

    def add(self, line: str, now: TrainingProgress) -> Epoch | None:
        """Take a log line and the progress after it; return the epoch that it has ended, if any.

        A log names an epoch before its values, and may repeat them during the epoch: the last ones count.
        """
        ended = None
        if self._open and (now.phase != "training" or now.epoch != self._open.epoch):
            ended = self.end()
        if now.phase == "training" and now.epoch and METRIC.search(line):
            self._open = now
        return ended

    def end(self) -> Epoch | None:
        """Return the epoch whose values were the last of the log, if it was not returned before."""
        if self._open is None:
            return None
        number = self._open.epoch
        found = {name: value for name in MEASURES if (value := getattr(self._open, name)) is not None}
        self._open = None
        for name, value in found.items():
            self.history.setdefault(name, []).append(value)
        return Epoch(number, found)
