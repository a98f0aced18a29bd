"""Tables of summary features for tests: `from feature_tables import ...`."""

from __future__ import annotations

import numpy as np

from ei_toolkit.audio.summary.columns import EXTRACTORS
from ei_toolkit.features.table import FeatureTable

COLUMNS = EXTRACTORS["summary-57"]
TEMPO, CENTROID, FLAT = (COLUMNS.index(name) for name in ("tempo", "spectral_centroid_mean", "rms_var"))


def table_of_three_labels(count: int = 30) -> FeatureTable:
    """Three labels; the tempo separates them, two features are correlated, one never changes, one row is doubled."""
    random = np.random.default_rng(4)
    labels = tuple(label for label in ("a", "b", "c") for _ in range(count))
    names = tuple(f"{label}-{number}" for number, label in enumerate(labels))
    values = random.normal(size=(len(names), 57))
    values[:, TEMPO] += 8 * np.repeat([0, 1, 2], count)
    values[:, COLUMNS.index("rolloff_mean")] = 3 * values[:, CENTROID] + 0.1 * values[:, 0]
    values[:, FLAT] = 7.0
    values[1] = values[0] + 1e-6
    values[1, FLAT] = 7.0
    values[5, COLUMNS.index("mfcc3_var")] = 60.0
    groups = tuple(f"artist {number // 3}" for number in range(len(names)))
    return FeatureTable("summary-57", names, labels, groups, np.zeros(len(names), np.int64), values)
