"""The network of convolutions over features as plain arrays: its scores are those of Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ei_toolkit.config.settings import ClassifierSettings, FeatureSettings
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.errors import DataError
from ei_toolkit.features.fit import TrainingRows, fit_model
from ei_toolkit.training.import_tensorflow import import_tensorflow

SETTINGS = ClassifierSettings(
    "cnn", correlation=0.9, filters=(3, 5), units=(6,), dropout=0.2, batch_size=16, epochs=1, weight_decay=0.0
)


def rows(columns: int = 9) -> TrainingRows:
    random = np.random.default_rng(0)
    values = random.normal(size=(48, columns))
    repeated = values[:, :2] + 0.01 * random.normal(size=(48, 2))
    return TrainingRows(np.hstack([values, repeated]), np.arange(48) % 3, TrainingProvenance(frozenset()))


def test_the_scores_are_those_of_keras_on_the_columns_that_do_not_correlate(monkeypatch: pytest.MonkeyPatch) -> None:
    keras = import_tensorflow().keras
    made: list[Any] = []
    original = keras.Sequential
    monkeypatch.setattr("keras.Sequential", lambda layers: made.append(original(layers)) or made[-1])
    material = rows()
    model = fit_model(SETTINGS, material, ("a", "b", "c"), FeatureSettings(), seed=1)
    assert model.arrays["columns"].tolist() == list(range(9))
    inputs = (material.values - material.values.mean(axis=0)) / material.values.std(axis=0)
    expected = made[0].predict(inputs[:, :9], verbose=0)
    np.testing.assert_allclose(model.predict(material.values), expected, atol=1e-5)


def test_too_few_features_for_the_poolings_are_refused() -> None:
    with pytest.raises(DataError, match="3 features are too few for 2 convolutions"):
        fit_model(SETTINGS, rows(3), ("a", "b", "c"), FeatureSettings(), seed=1)
