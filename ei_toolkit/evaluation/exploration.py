"""Explore a table of features: densities, correlations, principal components, similarity of labels, outliers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.summary.columns import uncorrelated
from ei_toolkit.evaluation.labelled_rows import LabelledRows

Floats = npt.NDArray[np.float64]
CORRELATED = 0.9  # of two features with a larger absolute correlation, the second is left out
KEPT_VARIANCE = 0.95
DENSITIES = 12  # features whose densities are shown: those that separate the labels best
GRID = 64  # points of a density
OUTLIERS = 10
EQUAL_DISTANCE = 0.12  # root mean square of the standardised differences: GTZAN's repetitions have less
NEAREST_PAIRS = 50


@dataclass(frozen=True)
class Density:
    """Kernel densities of one feature: values (GRID,) and for each label the density there (labels, GRID)."""

    column: str
    separation: float
    values: Floats
    by_label: Floats


@dataclass(frozen=True)
class Outlier:
    """A row far from the mean of its label, in standard deviations of the label, and its most unusual feature."""

    clip: str
    label: str
    distance: float
    column: str
    deviation: float


@dataclass(frozen=True)
class Pair:
    """Two clips whose features are nearly equal; 0 is equal."""

    first: str
    second: str
    distance: float


@dataclass(frozen=True)
class Exploration:
    """What is found in a table of features. Correlations are (columns, columns), similarities (labels, labels).

    `kept` are the columns that remain without correlated ones; `components` (rows, 2) are the first two principal
    components and `variances` the shares of the variance of all.
    """

    labels: tuple[str, ...]
    columns: tuple[str, ...]
    row_labels: npt.NDArray[np.int64]
    densities: tuple[Density, ...]
    correlation: Floats
    kept: tuple[str, ...]
    variances: Floats
    components: Floats
    similarity_mfcc: Floats
    similarity_rest: Floats
    outliers: tuple[Outlier, ...]
    pairs: tuple[Pair, ...]
    artists: tuple[tuple[str, int, int, str, int], ...]

    @property
    def kept_components(self) -> int:
        """Number of principal components that keep KEPT_VARIANCE of the variance."""
        return int(np.searchsorted(np.cumsum(self.variances), KEPT_VARIANCE - 1e-9) + 1)

    @property
    def kept_correlation(self) -> Floats:
        """Correlation of the columns that remain."""
        places = [self.columns.index(column) for column in self.kept]
        return self.correlation[np.ix_(places, places)]


def explore(rows: LabelledRows, columns: Sequence[str]) -> Exploration:
    """Return what is found in the rows; features that never change are left out."""
    changing = rows.values.std(axis=0) > 0
    values = rows.values[:, changing]
    names = tuple(column for column, keep in zip(columns, changing, strict=True) if keep)
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    correlation = standard.T @ standard / len(standard)
    _, singular, axes = np.linalg.svd(standard, full_matrices=False)
    is_mfcc = np.array([name.startswith("mfcc") for name in names])
    return Exploration(
        labels=rows.names,
        columns=names,
        row_labels=rows.labels,
        densities=_densities(values, rows, names),
        correlation=correlation,
        kept=tuple(names[column] for column in uncorrelated(correlation, CORRELATED)),
        variances=np.square(singular) / np.square(singular).sum(),
        components=standard @ axes[:2].T,
        similarity_mfcc=_similarity(standard[:, is_mfcc], rows),
        similarity_rest=_similarity(standard[:, ~is_mfcc], rows),
        outliers=_outliers(values, rows, names),
        pairs=_pairs(standard, rows.clips),
        artists=_artists(rows),
    )


def _densities(values: Floats, rows: LabelledRows, names: Sequence[str]) -> tuple[Density, ...]:
    """Return the densities of the features with the largest ratio of variance between labels and within them."""
    from scipy.stats import gaussian_kde

    own = [values[rows.labels == label] for label in range(len(rows.names))]
    within = sum(len(one) * one.var(axis=0) for one in own) / len(values)
    separation = (values.var(axis=0) - within) / np.maximum(within, 1e-12)
    found = []
    for column in np.argsort(-separation)[:DENSITIES]:
        low, high = np.quantile(values[:, column], [0.005, 0.995])
        grid = np.linspace(low, high, GRID)
        curves = [
            gaussian_kde(one[:, column])(grid) if len(one) > 2 and one[:, column].std() > 0 else np.zeros(GRID)
            for one in own
        ]
        found.append(Density(names[column], float(separation[column]), grid, np.array(curves)))
    return tuple(found)


def _similarity(standard: Floats, rows: LabelledRows) -> Floats:
    """Return the cosine similarity of the mean feature vectors of all labels."""
    means = np.array([standard[rows.labels == label].mean(axis=0) for label in range(len(rows.names))])
    length = np.linalg.norm(means, axis=1, keepdims=True)
    directions = means / np.where(length == 0, 1, length)
    similarity: Floats = directions @ directions.T
    return similarity


def _outliers(values: Floats, rows: LabelledRows, names: Sequence[str]) -> tuple[Outlier, ...]:
    deviations = np.zeros_like(values)
    for label in range(len(rows.names)):
        own = rows.labels == label
        deviation = values[own].std(axis=0)
        deviations[own] = (values[own] - values[own].mean(axis=0)) / np.where(deviation == 0, 1, deviation)
    distances = np.sqrt(np.square(deviations).mean(axis=1))
    found = []
    for row in np.argsort(-distances)[:OUTLIERS]:
        column = int(np.abs(deviations[row]).argmax())
        label = rows.names[rows.labels[row]]
        found.append(
            Outlier(rows.clips[row], label, float(distances[row]), names[column], float(deviations[row, column]))
        )
    return tuple(found)


def _pairs(standard: Floats, clips: Sequence[str]) -> tuple[Pair, ...]:
    """Return the pairs of clips with nearly equal features, the most similar ones first."""
    found: list[Pair] = []
    for row in range(len(standard) - 1):
        distances = np.sqrt(np.square(standard[row + 1 :] - standard[row]).mean(axis=1))
        near = (np.flatnonzero(distances < EQUAL_DISTANCE) + row + 1).tolist()
        found.extend(
            Pair(clips[row], clips[other], float(distances[other - row - 1]))
            for other in near
            if clips[row] != clips[other]
        )
    return tuple(sorted(found, key=lambda pair: pair.distance)[:NEAREST_PAIRS])


def _artists(rows: LabelledRows) -> tuple[tuple[str, int, int, str, int], ...]:
    """Return for each label its clips, its artists, the artist with most clips and the number of these."""
    found = []
    for number, name in enumerate(rows.names):
        own = dict.fromkeys(
            (clip, group)
            for clip, group, label in zip(rows.clips, rows.groups, rows.labels, strict=True)
            if label == number
        )
        counts = Counter(group for _, group in own)
        most, clips = counts.most_common(1)[0]
        found.append((name, len(own), len(counts), most, clips))
    return tuple(found)


def exploration_data(one: Exploration) -> dict[str, Any]:
    """Return all figures as plain data, for JSON."""
    return {
        "labels": list(one.labels),
        "columns": list(one.columns),
        "densities": [
            {
                "column": density.column, "separation": density.separation, "values": density.values.tolist(),
                "by_label": dict(zip(one.labels, density.by_label.tolist(), strict=True)),
            }
            for density in one.densities
        ],
        "correlation": one.correlation.round(6).tolist(),
        "kept_columns": list(one.kept),
        "principal_components": {
            "variances": one.variances.tolist(), "kept_for_95_percent": one.kept_components,
            "rows": one.components.round(6).tolist(), "row_labels": one.row_labels.tolist(),
        },
        "cosine_similarity": {"mfcc": one.similarity_mfcc.tolist(), "rest": one.similarity_rest.tolist()},
        "outliers": [vars(outlier) for outlier in one.outliers],
        "equal_features": [vars(pair) for pair in one.pairs],
        "artists": [
            dict(zip(("label", "clips", "artists", "largest_artist", "its_clips"), row, strict=True))
            for row in one.artists
        ],
    }  # fmt: skip
