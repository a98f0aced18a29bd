"""Figures of merit compared with scikit-learn, which defines them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.impulse.metrics import calibration_error, class_scores, classification, top_k

NAMES = ("blues", "classical", "rock")


def answers(seed: int, n: int = 200, ties: bool = True) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    probabilities = rng.dirichlet(np.ones(3), n) * 0.5 + np.eye(3)[labels] * 0.5 * rng.random((n, 1))
    probabilities = probabilities.round(1) + 1e-3 if ties else probabilities
    return labels, probabilities / probabilities.sum(axis=1, keepdims=True)


@given(st.integers(0, 1000))
def test_report_loss_and_auc_are_scikit_learns(seed: int) -> None:
    from sklearn import metrics as reference  # takes a second, so not while tests are collected

    labels, probabilities = answers(seed)
    ours = classification(labels, probabilities, NAMES)
    predicted = probabilities.argmax(axis=1)
    theirs = reference.classification_report(labels, predicted, target_names=NAMES, output_dict=True, zero_division=0)
    for name in (*NAMES, "macro avg", "weighted avg"):
        assert ours["report"][name] == pytest.approx(theirs[name])
    assert ours["accuracy"] == pytest.approx(theirs["accuracy"])
    assert ours["confusion_matrix"] == reference.confusion_matrix(labels, predicted).tolist()
    assert ours["loss"] == pytest.approx(reference.log_loss(labels, probabilities))
    assert ours["auc"] == pytest.approx(reference.roc_auc_score(labels, probabilities, multi_class="ovr"))


def test_a_missing_class_leaves_no_auc_and_no_division_by_zero() -> None:
    ours = classification([0, 0], np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]), NAMES)
    assert ours["auc"] is None
    assert ours["report"]["rock"] == {"precision": 0.0, "recall": 0.0, "f1-score": 0.0, "support": 0}


def test_no_window_at_all_is_counted_as_nothing() -> None:
    ours = classification([], np.empty((0, 3), np.float32), NAMES)
    assert (ours["accuracy"], ours["loss"], ours["auc"]) == (0.0, 0.0, None)
    assert ours["confusion_matrix"] == [[0] * 3] * 3 and ours["report"]["weighted avg"]["support"] == 0


def test_calibration_error_of_correct_and_of_overconfident_predictions() -> None:
    labels = np.array([0, 1] * 50)
    assert calibration_error(labels, np.eye(2)[labels]) == 0.0
    overconfident = np.tile([0.99, 0.01], (100, 1))
    assert calibration_error(labels, overconfident) == pytest.approx(0.49)


def test_top_k_has_the_most_probable_first() -> None:
    assert top_k(np.array([[0.2, 0.5, 0.3]]), NAMES, 2) == [[("classical", 0.5), ("rock", 0.3)]]


def test_windows_without_a_predicted_class_lower_the_recall_only() -> None:
    scores = class_scores(np.array([[6, 2, 2], [0, 5, 5]]))
    assert scores.precision.tolist() == [1.0, 5 / 7]
    assert scores.recall.tolist() == [0.6, 0.5]
    assert scores.f1.tolist() == pytest.approx([2 * 0.6 / 1.6, 10 / 17])
    assert scores.support.tolist() == [10, 10]
