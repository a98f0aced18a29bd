"""What a network must beat: the most frequent label, loudness alone, a straight line through the features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.evaluation.clips import FeatureSet

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Baselines:
    """The three, fitted on the clean training windows of one fold."""

    majority: Floats
    level: Any
    logistic: Any
    bins: int

    def predict(self, heard: FeatureSet) -> dict[str, Floats]:
        """Probabilities (n, classes) of each baseline."""
        return {
            "majority": np.tile(self.majority, (len(heard.features), 1)),
            "level": self.level.predict_proba(heard.level_db[:, None]),
            "logistic": self.logistic.predict_proba(summary(heard.features, self.bins)),
        }


def fit_baselines(heard: FeatureSet, labels: npt.NDArray[np.int64], n_classes: int, bins: int) -> Baselines:
    """Fit on features (n, f) in frames of `bins`, and on the windows' levels."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    level, logistic = (make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=1000)) for c in (1.0, 0.1))
    counts = np.bincount(labels, minlength=n_classes)
    return Baselines(
        majority=counts / counts.sum(),
        level=level.fit(heard.level_db[:, None], labels),
        logistic=logistic.fit(summary(heard.features, bins), labels),
        bins=bins,
    )


def summary(features: npt.NDArray[np.float32], bins: int) -> Floats:
    """Mean and deviation of every bin over the frames of a window: (n, 2 * bins)."""
    frames = features.reshape(len(features), -1, bins).astype(np.float64)
    return np.concatenate([frames.mean(axis=1), frames.std(axis=1)], axis=1)
