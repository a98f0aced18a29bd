"""The definitions of the accuracies and of the majority baseline, which every command takes from one place."""

from __future__ import annotations

import numpy as np
import pytest

from ei_toolkit.impulse.metrics import (
    confusion_at_threshold,
    diagonal_share,
    majority_share,
    right,
    thresholded_name,
)

ACTUAL = np.array([0, 0, 1, 1, 1])
SCORES = np.array([[0.9, 0.1], [0.55, 0.45], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]])


def test_a_window_is_right_at_the_threshold_if_its_label_is_first_and_reaches_it() -> None:
    assert right(ACTUAL, SCORES).tolist() == [True, True, True, True, False]
    assert right(ACTUAL, SCORES, 0.6).tolist() == [True, False, True, True, False]


def test_the_matrix_at_a_threshold_has_a_column_of_uncertain_windows() -> None:
    matrix = confusion_at_threshold(ACTUAL, SCORES, 0.6)
    assert matrix.tolist() == [[1, 0, 1], [1, 2, 0]]
    assert diagonal_share(matrix.tolist()) == right(ACTUAL, SCORES, 0.6).mean() == 0.6


def test_without_a_threshold_no_window_is_uncertain() -> None:
    matrix = confusion_at_threshold(ACTUAL, SCORES, 0.0)
    assert matrix[:, 2].tolist() == [0, 0]
    assert diagonal_share(matrix.tolist()) == right(ACTUAL, SCORES).mean()


@pytest.mark.parametrize(("counts", "share"), [([24, 4], 24 / 28), ([5, 5], 0.5), ([], 0.0), ([0, 0], 0.0)])
def test_the_majority_baseline_is_the_share_of_the_most_frequent_label(counts: list[int], share: float) -> None:
    assert majority_share(counts) == pytest.approx(share)


def test_nothing_is_correct_where_there_is_nothing() -> None:
    assert diagonal_share([]) == diagonal_share([[0, 0], [0, 0]]) == 0.0


def test_the_name_has_the_threshold_where_it_is_known() -> None:
    assert thresholded_name(0.6) == "accuracy at threshold 0.6"
    assert thresholded_name(None) == "accuracy at threshold"
