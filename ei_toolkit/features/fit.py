"""Train a classifier of summary features: with scikit-learn, or with Keras for networks with dropout or convolutions.

Both are imported where they are used, because they take a second, and the report needs only the types of this module.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.summary.columns import uncorrelated
from ei_toolkit.config.settings import ClassifierSettings, FeatureSettings
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.errors import DataError
from ei_toolkit.features.model import FeatureModel, Floats

Ints = npt.NDArray[np.int64]
PATIENCE_EPOCHS = 10  # without a higher accuracy, before [classifier] early_stopping ends the training


@dataclass(frozen=True)
class TrainingRows:
    """Features (rows, columns), the index of each row's label, and the clips and artists that they are of."""

    values: Floats
    labels: Ints
    provenance: TrainingProvenance


def fit_model(
    settings: ClassifierSettings, rows: TrainingRows, names: Sequence[str], features: FeatureSettings, seed: int
) -> FeatureModel:
    """Train a classifier with a seed. Raises DataError for fewer than two rows of some label."""
    counts = np.bincount(rows.labels, minlength=len(names))
    if counts.min() < 2:
        few = names[int(counts.argmin())]
        raise DataError(
            f"the label {few} has {counts.min()} training row{'' if counts.min() == 1 else 's'}, and two are needed",
            hint=f"Add clips of the label {few}.",
        )
    mean, scale = rows.values.mean(axis=0), rows.values.std(axis=0)
    scale[scale == 0] = 1
    inputs = (rows.values - mean) / scale
    shared: dict[str, npt.NDArray[Any]] = {"mean": mean, "scale": scale}
    if settings.correlation:
        shared["columns"] = np.array(uncorrelated(inputs.T @ inputs / len(inputs), settings.correlation), np.int32)
        inputs = inputs[:, shared["columns"]]
    if settings.pca:
        from sklearn.decomposition import PCA

        shared["projection"] = PCA(settings.pca, random_state=seed).fit(inputs).components_.T
        inputs = inputs @ shared["projection"]
    arrays = FIT[settings.kind](settings, inputs, rows.labels, seed)
    return FeatureModel(settings.kind, tuple(names), features, shared | _stored(arrays), rows.provenance)


def _stored(arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """The same with float32 for the many numbers of a model; thresholds of trees keep their exact values."""
    exact = ("threshold", "duals", "bias")
    return {
        name: array.astype(np.float32) if array.dtype == np.float64 and name not in exact else array
        for name, array in arrays.items()
    }


def _knn(settings: ClassifierSettings, inputs: Floats, labels: Ints, _seed: int) -> dict[str, npt.NDArray[Any]]:
    if settings.k > len(inputs):
        raise DataError(
            f"{settings.k} nearest rows cannot be found among {len(inputs)} training rows",
            hint="Set [classifier] k to less, or add clips.",
        )
    return {"rows": inputs, "row_labels": labels.astype(np.uint8), "k": np.array(settings.k)}


def _regression(settings: ClassifierSettings, inputs: Floats, labels: Ints, _seed: int) -> dict[str, npt.NDArray[Any]]:
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=settings.c, max_iter=5000).fit(inputs, labels)
    weights, bias = fitted.coef_.T, fitted.intercept_
    if weights.shape[1] == 1:  # two labels: one column of log-odds
        weights, bias = np.hstack([-weights / 2, weights / 2]), np.concatenate([-bias / 2, bias / 2])
    return {"weights": weights, "bias": bias}


def _svm(settings: ClassifierSettings, inputs: Floats, labels: Ints, _seed: int) -> dict[str, npt.NDArray[Any]]:
    from sklearn.svm import SVC

    fitted = SVC(C=settings.c, gamma=settings.gamma).fit(inputs, labels)
    sign = -1 if len(fitted.n_support_) == 2 else 1  # scikit-learn turns the signs of a single pair
    return {
        "rows": fitted.support_vectors_, "duals": sign * fitted.dual_coef_, "bias": sign * fitted.intercept_,
        "counts": fitted.n_support_, "gamma": np.array(settings.gamma, np.float64),
    }  # fmt: skip


def _forest(settings: ClassifierSettings, inputs: Floats, labels: Ints, seed: int) -> dict[str, npt.NDArray[Any]]:
    from sklearn.ensemble import RandomForestClassifier

    trees = [one.tree_ for one in RandomForestClassifier(settings.trees, random_state=seed).fit(inputs, labels)]
    roots = np.concatenate([[0], np.cumsum([tree.node_count for tree in trees])])[:-1]
    own = [np.arange(tree.node_count) for tree in trees]

    def children(side: str) -> npt.NDArray[np.int32]:
        below = [getattr(tree, f"children_{side}") for tree in trees]
        parts = [np.where(child < 0, nodes, child) + root for child, nodes, root in zip(below, own, roots, strict=True)]
        return np.concatenate(parts).astype(np.int32)

    shares = np.concatenate([tree.value[:, 0] for tree in trees])
    return {
        "left": children("left"), "right": children("right"), "roots": roots.astype(np.int32),
        "feature": np.maximum(np.concatenate([tree.feature for tree in trees]), 0).astype(np.uint8),
        "threshold": np.concatenate([tree.threshold for tree in trees]),
        "shares": shares / shares.sum(axis=1, keepdims=True),
    }  # fmt: skip


def _mlp(settings: ClassifierSettings, inputs: Floats, labels: Ints, seed: int) -> dict[str, npt.NDArray[Any]]:
    if settings.dropout or settings.batch_normalization:
        from ei_toolkit.training.import_tensorflow import import_tensorflow

        import_tensorflow()
        from ei_toolkit.training.dense_network import train_dense  # imports Keras

        weights, biases = train_dense(settings, inputs, labels, seed)
    else:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier

        network = MLPClassifier(
            settings.units, learning_rate_init=settings.learning_rate, batch_size=min(settings.batch_size, len(inputs)),
            max_iter=settings.epochs, alpha=settings.weight_decay, random_state=seed,
            early_stopping=settings.early_stopping,
            n_iter_no_change=PATIENCE_EPOCHS if settings.early_stopping else settings.epochs,
        )  # fmt: skip
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # [classifier] epochs is meant
            fitted = network.fit(inputs, labels)
        weights, biases = fitted.coefs_, fitted.intercepts_
        if weights[-1].shape[1] == 1:  # two labels: one output with a sigmoid
            weights[-1] = np.hstack([-weights[-1] / 2, weights[-1] / 2])
            biases[-1] = np.concatenate([-biases[-1] / 2, biases[-1] / 2])
    numbered = {f"weights{layer}": one for layer, one in enumerate(weights)}
    return numbered | {f"bias{layer}": one for layer, one in enumerate(biases)}


def _cnn(settings: ClassifierSettings, inputs: Floats, labels: Ints, seed: int) -> dict[str, npt.NDArray[Any]]:
    from ei_toolkit.training.import_tensorflow import import_tensorflow

    import_tensorflow()
    from ei_toolkit.training.feature_cnn import train_feature_cnn  # imports Keras

    return train_feature_cnn(settings, inputs, labels, seed)


Fit = Callable[[ClassifierSettings, Floats, Ints, int], dict[str, npt.NDArray[Any]]]
FIT: Mapping[str, Fit] = MappingProxyType(
    {"knn": _knn, "regression": _regression, "svm": _svm, "forest": _forest, "mlp": _mlp, "cnn": _cnn}
)
