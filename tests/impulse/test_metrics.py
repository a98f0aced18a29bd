"""Figures of merit compared with scikit-learn, which defines them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.impulse.metrics import (
    calibration_error,
    class_scores,
    classification,
    confusion,
    cross_entropy,
    interval_text,
    macro_auc,
)

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


def test_windows_without_a_predicted_class_lower_the_recall_only() -> None:
    scores = class_scores(np.array([[6, 2, 2], [0, 5, 5]]))
    assert scores.precision.tolist() == [1.0, 5 / 7]
    assert scores.recall.tolist() == [0.6, 0.5]
    assert scores.f1.tolist() == pytest.approx([2 * 0.6 / 1.6, 10 / 17])
    assert scores.support.tolist() == [10, 10]


SCORES = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])), min_size=2, max_size=40
)


@given(SCORES)
def test_auc_is_the_share_of_pairs_in_the_right_order(rows: list[tuple[int, float]]) -> None:
    actual = np.array([min(label, 1) for label, _ in rows])
    score = np.array([value for _, value in rows])
    pairs = [(p, n) for p in score[actual == 1] for n in score[actual == 0]]
    found = macro_auc(actual, np.stack([1 - score, score], axis=1))
    if not pairs:
        assert found is None
    else:
        assert found == pytest.approx(np.mean([1.0 if p > n else 0.5 if p == n else 0.0 for p, n in pairs]))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=60))
def test_a_confusion_matrix_counts_each_pair(pairs: list[tuple[int, int]]) -> None:
    actual, predicted = (np.array([pair[i] for pair in pairs], np.int64) for i in (0, 1))
    expected = [[pairs.count((row, column)) for column in range(4)] for row in range(4)]
    assert confusion(actual, predicted, 4).tolist() == expected


def test_a_sure_and_wrong_prediction_has_the_bounded_loss_of_keras() -> None:
    assert cross_entropy(np.array([1]), np.array([[1.0, 0.0]])) == pytest.approx(-np.log(1e-7))
    assert cross_entropy(np.array([0]), np.array([[1.0, 0.0]])) == 0
    assert cross_entropy(np.array([0]), np.array([[1.5, 0.0]])) == 0


@given(st.integers(0, 1000), st.integers(1, 20))
def test_calibration_error_is_the_weighted_gap_of_each_bin(seed: int, bins: int) -> None:
    labels, probabilities = answers(seed, n=50)
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    total = 0.0
    for low in range(bins):
        inside = [i for i, c in enumerate(confidence) if int(c * bins) == low or (low == bins - 1 and c == 1)]
        if inside:
            total += abs(float(np.mean(correct[inside])) - float(np.mean(confidence[inside]))) * len(inside) / 50
    assert calibration_error(labels, probabilities, bins) == pytest.approx(total)


@pytest.mark.parametrize(
    ("interval", "clips", "groups", "text"),
    [
        ((0.881, 0.97), 40, 10, "95 % interval by group 88.1 % to 97.0 %"),
        ((0.881, 0.97), 40, 9, "40 clips of 9 groups: too few for an interval"),
        ((1.0, 1.0), 8, 8, "8 clips of 8 groups: too few for an interval"),
        ((1.0, 1.0), 200, 90, "200 clips of 90 groups: too few for an interval"),
        ((0.9, 0.99), None, None, "95 % interval by group 90.0 % to 99.0 %"),  # of a version before 0.3
    ],
)
def test_an_interval_of_few_groups_or_of_one_point_is_not_shown(
    interval: tuple[float, float], clips: int | None, groups: int | None, text: str
) -> None:
    assert interval_text(interval, clips, groups) == text


def test_figures_can_be_written_as_json() -> None:
    labels, probabilities = answers(1)
    figures = classification(labels, probabilities.astype(np.float32), NAMES)
    assert json.loads(json.dumps(figures)) == figures


def test_the_report_of_perfect_predictions_has_ones_and_the_counts() -> None:
    figures = classification([0, 1, 1, 2], np.eye(3)[[0, 1, 1, 2]], NAMES)["report"]
    assert figures["accuracy"] == 1
    assert figures["classical"] == {"precision": 1, "recall": 1, "f1-score": 1, "support": 2}
    assert figures["macro avg"] == {"precision": 1, "recall": 1, "f1-score": 1, "support": 4}
