"""A trained classifier of summary features as plain arrays: prediction with NumPy, and its file, an NPZ.

The file holds numbers and texts only, so reading it runs no code. Prediction needs neither scikit-learn nor Keras.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.config.settings import FeatureSettings, plain
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.errors import DataError
from ei_toolkit.features.table import check_npz

Floats = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]
FORMAT = 1
BLOCK_ROWS = 32  # rows whose distances to all stored rows are in memory at once


@dataclass(frozen=True)
class FeatureModel:
    """A classifier of `kind` with its arrays, the settings of its features and the clips it was trained on.

    All kinds first subtract `mean` and divide by `scale`, each (columns,), take only `columns` and multiply by
    `projection` (columns, components), where there are such arrays.
    """

    kind: str
    labels: tuple[str, ...]
    features: FeatureSettings
    arrays: Arrays
    provenance: TrainingProvenance

    def predict(self, values: Floats) -> Floats:
        """Return scores (rows, labels), which sum to 1, of features (rows, columns)."""
        inputs = (values - self.arrays["mean"]) / self.arrays["scale"]
        if "columns" in self.arrays:
            inputs = inputs[:, self.arrays["columns"]]
        if "projection" in self.arrays:
            inputs = inputs @ self.arrays["projection"]
        return PREDICT[self.kind](inputs, self.arrays, len(self.labels))

    @property
    def parameters(self) -> int:
        """Return the number of stored numbers."""
        return sum(array.size for array in self.arrays.values())

    @property
    def size_bytes(self) -> int:
        """Return the size of the stored numbers in their types."""
        return sum(array.nbytes for array in self.arrays.values())


def write_model(file: Path, model: FeatureModel) -> None:
    """Write a model in one step."""
    described = {
        "format": FORMAT, "kind": model.kind, "labels": model.labels, "features": plain(model.features),
        "clips": sorted(model.provenance.clips), "groups": sorted(model.provenance.groups),
    }  # fmt: skip
    packed = io.BytesIO()
    arrays: dict[str, Any] = dict(model.arrays)
    np.savez_compressed(packed, description=np.array(json.dumps(described)), **arrays)
    write_bytes(file, packed.getvalue())


def read_model(file: Path) -> FeatureModel:
    """Return the model in a file. Raises DataError where it is damaged, of another version or of an unknown kind."""
    try:
        check_npz(file)
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        described = json.loads(str(arrays.pop("description")))
        if described["format"] != FORMAT or described["kind"] not in PREDICT:
            raise ValueError(f"format {described['format']}, kind {described['kind']} is not known to this version")
        return FeatureModel(
            described["kind"],
            tuple(described["labels"]),
            FeatureSettings(**described["features"]),
            arrays,
            TrainingProvenance(frozenset(described["clips"]), frozenset(described["groups"])),
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{file} is not a model of summary features", why=str(error), hint="Write it with: eitk train"
        ) from None


def _linear(inputs: Floats, arrays: Arrays, _labels: int) -> Floats:
    return softmax(inputs @ arrays["weights"] + arrays["bias"])


def _network(inputs: Floats, arrays: Arrays, _labels: int) -> Floats:
    """Dense layers with ReLU between them; batch normalisations are part of the weights."""
    layers = sum(name.startswith("weights") for name in arrays)
    for layer in range(layers):
        inputs = inputs @ arrays[f"weights{layer}"] + arrays[f"bias{layer}"]
        if layer < layers - 1:
            inputs = np.maximum(inputs, 0)
    return softmax(inputs)


def _convolutions(inputs: Floats, arrays: Arrays, labels: int) -> Floats:
    """Convolutions over three features with ReLU, each followed by the maximum of pairs, and then dense layers."""
    values = inputs[:, :, None]
    for layer in range(sum(name.startswith("kernel") for name in arrays)):
        padded = np.pad(values, ((0, 0), (1, 1), (0, 0)))
        kernel, length = arrays[f"kernel{layer}"], values.shape[1]
        values = sum(padded[:, place : place + length] @ kernel[place] for place in range(3))
        values = np.maximum(values + arrays[f"offset{layer}"], 0)
        values = values[:, : length // 2 * 2].reshape(len(values), length // 2, 2, -1).max(axis=2)
    return _network(values.reshape(len(values), -1), arrays, labels)


def _nearest_rows(inputs: Floats, arrays: Arrays, labels: int) -> Floats:
    """The votes of the nearest rows, weighted by 1 / distance; where some rows are equal, only they vote."""
    rows, of, count = arrays["rows"].astype(np.float64), arrays["row_labels"], int(arrays["k"])
    found = []
    for block in np.array_split(inputs, -(-len(inputs) // BLOCK_ROWS) or 1):
        distances = np.sqrt(np.square(block[:, None] - rows).sum(axis=2))
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :count]
        near = np.take_along_axis(distances, nearest, axis=1)
        equal = near == 0
        weights = np.where(equal.any(axis=1, keepdims=True), equal, 1 / np.where(equal, 1, near))
        found.append(np.stack([(weights * (of[nearest] == label)).sum(axis=1) for label in range(labels)], axis=1))
    votes = np.concatenate(found)
    shares: Floats = votes / votes.sum(axis=1, keepdims=True)
    return shares


def _forest(inputs: Floats, arrays: Arrays, labels: int) -> Floats:
    """The mean of the leaves' shares over all trees; a leaf is its own left child."""
    left, right, feature, threshold = (arrays[name] for name in ("left", "right", "feature", "threshold"))
    total = np.zeros((len(inputs), labels))
    rows = np.arange(len(inputs))
    values = inputs.astype(np.float32)  # the trees were grown on these
    for root in arrays["roots"]:
        node = np.full(len(inputs), root)
        while True:
            below = np.where(values[rows, feature[node]] <= threshold[node], left[node], right[node])
            if np.array_equal(below, node):
                break
            node = below
        total += arrays["shares"][node]
    shares: Floats = total / len(arrays["roots"])
    return shares


def _support_vectors(inputs: Floats, arrays: Arrays, labels: int) -> Floats:
    """One machine for each pair of labels; the scores are the softmax of votes and confidences, as scikit-learn's."""
    rows, duals, counts = arrays["rows"].astype(np.float64), arrays["duals"], arrays["counts"]
    squares = np.square(inputs).sum(axis=1)[:, None] + np.square(rows).sum(axis=1) - 2 * inputs @ rows.T
    kernel = np.exp(-float(arrays["gamma"]) * np.maximum(squares, 0))
    ends = np.cumsum(counts)
    of = [slice(end - count, end) for end, count in zip(ends, counts, strict=True)]
    votes, confidences = np.zeros((len(inputs), labels)), np.zeros((len(inputs), labels))
    pairs = [(i, j) for i in range(labels) for j in range(i + 1, labels)]
    for (i, j), bias in zip(pairs, arrays["bias"], strict=True):
        decision = kernel[:, of[i]] @ duals[j - 1, of[i]] + kernel[:, of[j]] @ duals[i, of[j]] + bias
        votes[:, i] += decision > 0
        votes[:, j] += decision <= 0
        confidences[:, i] += decision
        confidences[:, j] -= decision
    return softmax(votes + confidences / (3 * (np.abs(confidences) + 1)))


def softmax(values: Floats) -> Floats:
    """Return the softmax of each row."""
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


PREDICT: Mapping[str, Callable[[Floats, Arrays, int], Floats]] = MappingProxyType({
    "knn": _nearest_rows, "regression": _linear, "svm": _support_vectors, "forest": _forest, "mlp": _network,
    "cnn": _convolutions,
})  # fmt: skip
"""The kinds of classifiers."""
