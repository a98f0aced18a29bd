"""From the scores of successive windows to a stable label, as the sketch computes it (decision.h)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

UNCERTAIN_LABEL = -1


def smoothed(scores: npt.NDArray[np.float32], depth: int) -> npt.NDArray[np.float32]:
    """Return the mean of each row of scores (windows, labels) and up to `depth` - 1 rows before it."""
    return np.array([scores[max(0, row + 1 - depth) : row + 1].mean(axis=0) for row in range(len(scores))])


def stable_labels(means: npt.NDArray[np.float32], threshold: float, hysteresis: float) -> list[int]:
    """Return the label of each row of smoothed scores, UNCERTAIN_LABEL below the threshold.

    A label stays until its score falls below `threshold` - `hysteresis`, or until the score of another label exceeds it
    by more than `hysteresis`.
    """
    winner, found = UNCERTAIN_LABEL, []
    for row in means:
        best = int(row.argmax())
        stays = (
            winner != UNCERTAIN_LABEL
            and row[winner] >= threshold - hysteresis
            and row[best] - row[winner] <= hysteresis
        )
        if not stays:
            winner = best if row[best] >= threshold else UNCERTAIN_LABEL
        found.append(winner)
    return found
