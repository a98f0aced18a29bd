"""The network of dense layers as plain weights: its scores are those of Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ei_toolkit.config.settings import ClassifierSettings
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.features.model import FeatureModel, FeatureSettings
from ei_toolkit.training.import_tensorflow import import_tensorflow


def test_folded_weights_give_the_scores_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    keras = import_tensorflow().keras
    from ei_toolkit.training.dense_network import train_dense  # imports Keras

    made: list[Any] = []
    original = keras.Sequential
    monkeypatch.setattr("keras.Sequential", lambda layers: made.append(original(layers)) or made[-1])
    random = np.random.default_rng(0)
    values, labels = random.normal(size=(64, 5)), np.arange(64) % 3
    settings = ClassifierSettings("mlp", units=(7, 6), dropout=0.3, batch_normalization=True, batch_size=16, epochs=2)
    weights, biases = train_dense(settings, values, labels, seed=1)
    arrays = {f"weights{i}": one for i, one in enumerate(weights)} | {f"bias{i}": one for i, one in enumerate(biases)}
    arrays |= {"mean": np.zeros(5), "scale": np.ones(5)}
    found = FeatureModel("mlp", ("a", "b", "c"), FeatureSettings(), arrays, TrainingProvenance(frozenset()))
    np.testing.assert_allclose(found.predict(values), made[0].predict(values, verbose=0), atol=1e-5)
