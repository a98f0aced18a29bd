"""Figures of merit of a classifier, from labels and probabilities. Plain Python values, ready for JSON.

The definitions are scikit-learn's, which the tests compare with. It is not called here: importing its metrics takes
about two seconds, which each command that prints a score would wait for; its log loss and AUC raise errors where a
class is missing; and it has no confusion matrix with a column for uncertain windows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ei_toolkit.config.units import counted, percent

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]
Mask = npt.NDArray[np.bool_]
ECE_BINS = 10

TOP_1 = "top-1 accuracy"
CLIP_ACCURACY = "clip accuracy"
MAJORITY = "majority baseline"


def thresholded_name(threshold: float | None) -> str:
    """Return the name of the thresholded accuracy, with the threshold where it is known."""
    return "accuracy at threshold" + ("" if threshold is None else f" {threshold:g}")


def unscored(counts: Mapping[str, int], noun: str = "window") -> str:
    """Return the sentence about windows or clips, counted by label, whose labels a model does not have."""
    total, names = sum(counts.values()), ", ".join(sorted(counts))
    return f"{counted(total, noun)} with labels the model does not know: {names}; not scored"


MIN_GROUPS = 10
"""Groups that an interval needs: a bootstrap over fewer is much too narrow.

Source: Cameron, Gelbach and Miller, Bootstrap-Based Improvements for Inference with Clustered Errors, 2008.
"""


def has_interval(interval: Sequence[float], groups: int | None) -> bool:
    """Return whether an interval states anything: it is wider than a point and comes from enough groups."""
    low, high = interval
    return low < high and (groups is None or groups >= MIN_GROUPS)


def interval_text(interval: Sequence[float], clips: int | None, groups: int | None) -> str:
    """Return the 95 % interval by group of a share, or the number of clips that were too few for one.

    An interval of one point comes from clips that are all correct or all wrong, and states nothing. `clips` and
    `groups` are None for results of versions before 0.3, which do not contain them.
    """
    low, high = interval
    if has_interval(interval, groups):
        return f"95 % interval by group {percent(low)} to {percent(high)}"
    found = f"{counted(clips, 'clip')} of {counted(groups, 'group')}: " if clips and groups else ""
    return f"{found}too few for an interval"


def right(actual: Ints, probabilities: Floats, threshold: float = 0.0) -> Mask:
    """Return for each window whether the actual label has the highest score, and that score is at least `threshold`.

    The mean of the result is the top-1 accuracy, or with a threshold the accuracy at that threshold.
    """
    return np.asarray((probabilities.argmax(axis=1) == actual) & (probabilities.max(axis=1) >= threshold))


def confusion_at_threshold(actual: Ints, probabilities: Floats, threshold: float) -> npt.NDArray[np.int64]:
    """Return counts, [actual][predicted]; the last of the n + 1 columns counts windows below the threshold."""
    classes = probabilities.shape[1]
    predicted = np.where(probabilities.max(axis=1) >= threshold, probabilities.argmax(axis=1), classes)
    cells = np.bincount(actual * (classes + 1) + predicted, minlength=classes * (classes + 1))
    return cells.reshape(classes, classes + 1)


def diagonal_share(matrix: Sequence[Sequence[int]]) -> float:
    """Return the share of the windows of a confusion matrix that are on its diagonal; 0 without windows."""
    total = sum(map(sum, matrix))
    return sum(row[label] for label, row in enumerate(matrix)) / total if total else 0.0


def majority_share(counts: Iterable[int]) -> float:
    """Return the majority baseline: the share of the most frequent actual label, from the windows of each label."""
    windows = list(counts)
    return max(windows) / sum(windows) if sum(windows) else 0.0


def classification(labels: Sequence[int] | Ints, probabilities: Floats, class_names: Sequence[str]) -> dict[str, Any]:
    """Return {loss, accuracy, confusion_matrix, report, auc} of (n, classes) probabilities.

    `confusion_matrix[actual][predicted]` counts windows, `report` has scikit-learn's form, `loss` is the mean
    cross-entropy, `auc` the macro mean of one class against the rest (None where a class does not occur).
    """
    actual, predicted = np.asarray(labels, np.int64), probabilities.argmax(axis=1)
    matrix = confusion(actual, predicted, len(class_names))
    return {
        "loss": cross_entropy(actual, probabilities),
        "accuracy": float(right(actual, probabilities).mean()) if len(actual) else 0.0,
        "confusion_matrix": matrix.tolist(),
        "report": report(matrix, class_names),
        "auc": macro_auc(actual, probabilities),
    }


def confusion(actual: Ints, predicted: Ints, n_classes: int) -> npt.NDArray[np.int64]:
    """Return counts, [actual][predicted]."""
    return np.bincount(actual * n_classes + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)


def cross_entropy(actual: Ints, probabilities: Floats) -> float:
    """Return the mean of -ln p(actual); probabilities are at least 1e-7, as in Keras."""
    if not len(actual):
        return 0.0
    picked = probabilities[np.arange(len(actual)), actual]
    return float(-np.log(np.clip(picked.astype(np.float64), 1e-7, 1)).mean())


class ClassScores(NamedTuple):
    """Precision, recall, F1 and number of windows of each class, (classes,)."""

    precision: Floats
    recall: Floats
    f1: Floats
    support: Ints


def class_scores(matrix: npt.NDArray[np.int64]) -> ClassScores:
    """Return the scores of each class from counts [actual][predicted]; a ratio over nothing is 0.

    The matrix may have more columns than rows: the further ones count windows without a predicted class (uncertain).
    """
    classes = len(matrix)
    correct, support, predicted = matrix.diagonal(), matrix.sum(axis=1), matrix[:, :classes].sum(axis=0)
    f1 = _ratio(2 * correct, support + predicted)
    return ClassScores(_ratio(correct, predicted), _ratio(correct, support), f1, support)


def label_scores(matrix: npt.NDArray[np.int64], class_names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return precision, recall, F1 and support of each label, from counts [actual][predicted]."""
    scores = class_scores(matrix)
    columns = np.stack(scores[:3])
    return {name: _row(columns[:, i], int(scores.support[i])) for i, name in enumerate(class_names)}


def report(matrix: npt.NDArray[np.int64], class_names: Sequence[str]) -> dict[str, Any]:
    """Return precision, recall, F1 and support in the form of scikit-learn's `classification_report`."""
    scores = class_scores(matrix)
    support, columns = scores.support, np.stack(scores[:3])
    total = int(support.sum())
    weights = support / max(total, 1)
    rows: dict[str, Any] = {**label_scores(matrix, class_names)}
    rows["accuracy"] = float(matrix.trace() / max(total, 1))
    rows["macro avg"] = _row(columns.mean(axis=1), total)
    rows["weighted avg"] = _row(columns @ weights, total)
    return rows


def macro_auc(actual: Ints, probabilities: Floats) -> float | None:
    """Return the area under the ROC curve of each class against the rest, averaged; None where a class is missing."""
    areas = []
    for column in range(probabilities.shape[1]):
        positive = actual == column
        if not positive.any() or positive.all():
            return None
        areas.append(_auc(positive, probabilities[:, column]))
    return float(np.mean(areas))


def calibration_error(actual: Ints, probabilities: Floats, bins: int = ECE_BINS) -> float:
    """Return the expected calibration error: mean |accuracy - confidence| over equal bins of the confidence."""
    confidence, correct = probabilities.max(axis=1), right(actual, probabilities)
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(correct[index == b].mean() - confidence[index == b].mean()) * np.mean(index == b) for b in set(index)]
    return float(sum(gaps))


def _auc(positive: npt.NDArray[np.bool_], score: Floats) -> float:
    """Return the probability that a positive scores above a negative, ties counting half (Mann-Whitney U)."""
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    ranks = float(mean_rank[place][positive].sum())
    return (ranks - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def _ratio(part: Ints, whole: Ints) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return ratio


def _row(values: Floats, support: int) -> dict[str, float]:
    precision, recall, f1 = map(float, values)
    return {"precision": precision, "recall": recall, "f1-score": f1, "support": support}
