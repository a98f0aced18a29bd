"""Baselines that a network has to exceed: most frequent label, loudness only, logistic regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.evaluation.clips import FeatureSet

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Baselines:
    """The three baselines, fitted on the clean training windows of one fold."""

    majority: Floats
    level: Any
    logistic: Any
    bins: int

    def predict(self, windows: FeatureSet) -> dict[str, Floats]:
        """Return the probabilities (n, classes) of each baseline."""
        return {
            "majority": np.tile(self.majority, (len(windows.features), 1)),
            "level": self.level.predict_proba(windows.level_db[:, None]),
            "logistic": self.logistic.predict_proba(_frame_statistics(windows.features, self.bins)),
        }


def fit_baselines(windows: FeatureSet, labels: npt.NDArray[np.int64], n_classes: int, bins: int) -> Baselines:
    """Fit the baselines on features (n, f) in frames of `bins`, and on the windows' levels."""
    # scikit-learn takes most of a second to import, and the evaluation's worker processes need only `predict`
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    level, logistic = (make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=1000)) for c in (1.0, 0.1))
    counts = np.bincount(labels, minlength=n_classes)
    return Baselines(
        majority=counts / counts.sum(),
        level=level.fit(windows.level_db[:, None], labels),
        logistic=logistic.fit(_frame_statistics(windows.features, bins), labels),
        bins=bins,
    )


def _frame_statistics(features: npt.NDArray[np.float32], bins: int) -> Floats:
    """Return mean and standard deviation of every bin over the frames of each window: (n, 2 * bins)."""
    frames = features.reshape(len(features), -1, bins).astype(np.float64)
    return np.concatenate([frames.mean(axis=1), frames.std(axis=1)], axis=1)
