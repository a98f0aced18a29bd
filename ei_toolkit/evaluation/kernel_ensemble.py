"""The most accurate model for unseen artists: kernel machines on blocks of features, their scores averaged.

Each block of features counts equally in a distance, however many features it has. Of the distances, Gaussian kernels
are made, and of each kernel a support vector machine and a kernel ridge regression.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ei_toolkit.features.model import Floats, softmax

LIMIT = 4.0  # deviations from the mean at which a feature is clipped
LOWEST_SHARE = 1e-4  # of a score before its logarithm
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class KernelEnsembleSettings:
    """Width of the kernels and regularisation of the two kinds of machines."""

    gamma_svm: float = 0.3
    c: float = 10.0
    gamma_ridge: float = 1.0
    ridge: float = 0.02


@dataclass(frozen=True)
class Ensemble:
    """Scores (rows, labels) of tested rows, and the number of numbers that the machines have to store."""

    scores: Floats
    parameters: int

    @property
    def size_bytes(self) -> int:
        """Return the size of these numbers as float32."""
        return 4 * self.parameters


def train_and_score(
    settings: KernelEnsembleSettings, blocks: tuple[int, ...], training: Floats, labels: Ints, testing: Floats
) -> Ensemble:
    """Train on rows (n, features) with their labels, and return the scores of the testing rows.

    `blocks` is the number of features of each block, in order.
    """
    total = np.zeros((len(testing), int(labels.max()) + 1))
    for scale in (standard_scores, normal_scores):
        own, other = scale(training, training), scale(training, testing)
        distances, mean = _distances(blocks, own, own)
        others, _ = _distances(blocks, other, own, mean)
        total += _standardised(_ridge(settings, distances, labels, others))
        total += _standardised(_machines(settings, distances, labels, others))
    return Ensemble(softmax(total), 2 * (training.size + training.shape[0] * total.shape[1] * 2))


def standard_scores(training: Floats, values: Floats) -> Floats:
    """Return values with the mean and deviation of the training rows taken out, clipped at four deviations."""
    deviation = training.std(axis=0)
    scaled = (values - training.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    clipped: Floats = np.clip(scaled, -LIMIT, LIMIT)
    return clipped


def normal_scores(training: Floats, values: Floats) -> Floats:
    """Return values mapped so that each feature of the training rows has a normal distribution."""
    from sklearn.preprocessing import QuantileTransformer  # takes most of a second to import

    count = min(200, len(training))
    fitted = QuantileTransformer(n_quantiles=count, output_distribution="normal").fit(training)
    mapped: Floats = np.clip(fitted.transform(values), -3, 3)
    return mapped


def _distances(
    blocks: tuple[int, ...], rows: Floats, others: Floats, mean: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return the mean over blocks of squared distances (rows, others), each divided by `mean`, and this mean."""
    parts = np.split(np.arange(rows.shape[1]), np.cumsum(blocks)[:-1])
    squares = [
        np.maximum((np.square(rows[:, own]).sum(axis=1)[:, None] + np.square(others[:, own]).sum(axis=1))
                   - 2 * rows[:, own] @ others[:, own].T, 0)
        for own in parts
    ]  # fmt: skip
    mean = np.array([one.mean() for one in squares]) if mean is None else mean
    return np.mean([one / (own or 1) for one, own in zip(squares, mean, strict=True)], axis=0), mean


def _ridge(settings: KernelEnsembleSettings, distances: Floats, labels: Ints, others: Floats) -> Floats:
    """Kernel ridge regression on 1 for the own label and -1 for each other."""
    wanted = 2.0 * np.eye(int(labels.max()) + 1)[labels] - 1
    kernel = np.exp(-settings.gamma_ridge * distances) + settings.ridge * np.eye(len(labels))
    weights = np.linalg.solve(kernel, wanted - wanted.mean(axis=0))
    scores: Floats = np.exp(-settings.gamma_ridge * others) @ weights + wanted.mean(axis=0)
    return scores


def _machines(settings: KernelEnsembleSettings, distances: Floats, labels: Ints, others: Floats) -> Floats:
    """Log shares of a support vector machine for each pair of labels."""
    from sklearn.svm import SVC

    fitted = SVC(C=settings.c, kernel="precomputed").fit(np.exp(-settings.gamma_svm * distances), labels)
    decision = np.asarray(fitted.decision_function(np.exp(-settings.gamma_svm * others)))
    if decision.ndim == 1:
        decision = np.column_stack([-decision, decision])
    return np.log(np.maximum(softmax(decision), LOWEST_SHARE))


def _standardised(scores: Floats) -> Floats:
    """Scores with mean 0 and deviation 1 over the labels of each row, so that all machines count equally."""
    deviation = scores.std(axis=1, keepdims=True)
    standardised: Floats = (scores - scores.mean(axis=1, keepdims=True)) / np.where(deviation > 0, deviation, 1)
    return standardised
