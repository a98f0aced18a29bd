"""Trained classifiers of features: the scores are those of scikit-learn and Keras, before and after writing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from ei_toolkit.config.settings import ClassifierSettings, FeatureSettings
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.errors import DataError
from ei_toolkit.features.fit import TrainingRows, fit_model
from ei_toolkit.features.model import FeatureModel, read_model, write_model

NAMES = ("blues", "jazz", "metal", "rock")
PROVENANCE = TrainingProvenance(frozenset({"0" * 64}), frozenset({"queen"}))
SETTINGS = {
    "knn": ClassifierSettings("knn", k=5),
    "regression": ClassifierSettings("regression"),
    "svm": ClassifierSettings("svm", c=10.0),
    "forest": ClassifierSettings("forest", trees=20),
    "mlp": ClassifierSettings("mlp", units=(8, 8), epochs=5),
}
THEIRS: dict[str, Any] = {
    "knn": KNeighborsClassifier(5, weights="distance"),
    "regression": LogisticRegression(C=1.0, max_iter=5000),
    "svm": SVC(C=10.0, gamma=0.01),
    "forest": RandomForestClassifier(20, random_state=1),
    "mlp": MLPClassifier((8, 8), max_iter=5, batch_size=80, alpha=1e-4, n_iter_no_change=5, random_state=1),
}


def rows(labels: int, count: int = 80, seed: int = 0) -> TrainingRows:
    random = np.random.default_rng(seed)
    of = np.arange(count) % labels
    return TrainingRows(random.normal(size=(count, 6)) + of[:, None] * 0.7, of, PROVENANCE)


def fitted(kind: str, labels: int = 4, **changes: Any) -> FeatureModel:
    settings = replace(SETTINGS[kind], **changes)
    return fit_model(settings, rows(labels), NAMES[:labels], FeatureSettings("summary-57"), seed=1)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("labels", [2, 4])
@pytest.mark.parametrize("kind", SETTINGS)
def test_the_scores_are_those_of_scikit_learn(kind: str, labels: int) -> None:
    training, unseen = rows(labels), rows(labels, 50, seed=2).values
    mean, scale = training.values.mean(axis=0), training.values.std(axis=0)
    theirs = THEIRS[kind].fit((training.values - mean) / scale, training.labels)
    found = fitted(kind, labels).predict(unseen)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    if kind == "svm":  # it has no scores; a tie of votes is broken by confidence, not by the order of the labels
        differing = np.count_nonzero(theirs.predict((unseen - mean) / scale) != found.argmax(axis=1))
        assert differing <= (0 if labels == 2 else 1)
    else:
        np.testing.assert_allclose(found, theirs.predict_proba((unseen - mean) / scale), atol=1e-5)


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_written_model_is_read_again(tmp_path: Path, kind: str) -> None:
    model = fitted(kind)
    write_model(tmp_path / "m.npz", model)
    again = read_model(tmp_path / "m.npz")
    values = rows(4, 10, seed=3).values
    np.testing.assert_array_equal(again.predict(values), model.predict(values))
    assert (again.kind, again.labels, again.features) == (model.kind, model.labels, model.features)
    assert (again.provenance, again.parameters) == (PROVENANCE, model.parameters)


def test_a_row_that_is_in_training_has_the_label_of_its_equal() -> None:
    training = rows(4)
    np.testing.assert_array_equal(fitted("knn").predict(training.values).argmax(axis=1), training.labels)


def test_principal_components_are_part_of_the_model() -> None:
    model = fitted("regression", pca=0.8)
    assert model.arrays["projection"].shape[0] == 6
    assert model.arrays["projection"].shape[1] < 6
    assert (model.predict(rows(4).values).argmax(axis=1) == rows(4).labels).mean() > 0.5


def test_one_clip_of_a_label_is_too_few() -> None:
    few = rows(4)
    few = replace(few, labels=np.where(few.labels == 3, 2, few.labels))
    few.labels[0] = 3
    with pytest.raises(DataError, match="the label rock has 1 training row, and two are needed"):
        fit_model(SETTINGS["regression"], few, NAMES, FeatureSettings("summary-57"), seed=1)


def test_more_nearest_rows_than_there_are_rows_are_refused() -> None:
    with pytest.raises(DataError, match="100 nearest rows cannot be found among 80 training rows"):
        fitted("knn", k=100)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 damaged", b"not a model"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"m\.npz is not a model of summary features"):
        read_model(tmp_path / "m.npz")
