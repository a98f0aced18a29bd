"""From the scores of successive windows to a stable label, as the sketch computes it (decision.h)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

UNCERTAIN_LABEL = -1

Scores = npt.NDArray[np.float32]


def smoothed(scores: Scores, depth: int) -> Scores:
    """Return the mean of each row of scores (windows, labels) and up to `depth` - 1 rows before it."""
    return np.array([scores[max(0, row + 1 - depth) : row + 1].mean(axis=0) for row in range(len(scores))])


def stable_labels(means: Scores, threshold: float, hysteresis: float, hold: int = 0) -> list[int]:
    """Return the label of each row of smoothed scores, UNCERTAIN_LABEL below the threshold.

    A label stays until its score falls below `threshold` - `hysteresis`, or until the score of another label exceeds it
    by more than `hysteresis`; and for `hold` rows after the first in any case.
    """
    labels = labels_at_settings(means, np.array([threshold]), hysteresis, np.array([hold]))
    return [int(label) for label in labels[:, 0]]


def labels_at_settings(
    means: Scores, thresholds: npt.NDArray[np.floating], hysteresis: float, holds: npt.NDArray[np.integer]
) -> npt.NDArray[np.int16]:
    """Return what `stable_labels` returns for each pair of threshold and hold, (windows, pairs)."""
    lowest = thresholds.astype(np.float32)  # the sketch computes with 32 bits
    margin = np.float32(hysteresis)
    winner = np.full(len(lowest), UNCERTAIN_LABEL)
    held = np.zeros(len(lowest), int)
    found = np.empty((len(means), len(lowest)), np.int16)
    for row, mean in enumerate(means):
        best = int(mean.argmax())
        own = mean[winner]
        stays = (winner != UNCERTAIN_LABEL) & (own >= lowest - margin) & (mean[best] - own <= margin)
        is_free = (held == 0) & ~stays
        held = np.maximum(held - 1, 0)
        winner = np.where(is_free, np.where(mean[best] >= lowest, best, UNCERTAIN_LABEL), winner)
        held = np.where(is_free & (winner != UNCERTAIN_LABEL), holds, held)
        found[row] = winner
    return found
