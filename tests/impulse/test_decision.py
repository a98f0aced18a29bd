"""The stable label of successive scores, with the sequences of the firmware's test of decision.h."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ei_toolkit.impulse.decision import UNCERTAIN_LABEL, smoothed, stable_labels

CLASSICAL, ROCK, NONE = 0, 1, UNCERTAIN_LABEL


def scores_of_rock(*rock: float) -> Any:
    return np.array([[1 - one, one] for one in rock], np.float32)


@pytest.mark.parametrize(
    ("rock", "expected"),
    [
        ((0.5, 0.59, 0.61, 0.99, 0.01), [NONE, NONE, ROCK, ROCK, CLASSICAL]),
        ((0.61, 0.59, 0.61, 0.58, 0.60), [ROCK] * 5),
        ((0.61, 0.54, 0.59), [ROCK, NONE, NONE]),
    ],
)
def test_a_label_stays_within_the_hysteresis(rock: tuple[float, ...], expected: list[int]) -> None:
    assert stable_labels(scores_of_rock(*rock), 0.6, 0.05) == expected


def test_another_label_wins_when_it_is_better_by_more_than_the_hysteresis() -> None:
    rows = np.array([[0.50, 0.48, 0.02], [0.47, 0.51, 0.02], [0.4, 0.58, 0]], np.float32)
    assert stable_labels(rows, 0.3, 0.05) == [0, 0, 1]


def test_smoothing_is_the_mean_of_the_last_rows() -> None:
    found = smoothed(scores_of_rock(0.0, 0.2, 0.4, 0.9), 3)[:, 1]
    np.testing.assert_allclose(found, [0.0, 0.1, 0.2, 0.5], atol=1e-6)


def test_a_recognised_label_stays_for_the_hold_time() -> None:
    assert stable_labels(scores_of_rock(0.9, 0.1, 0.1, 0.1, 0.9), 0.6, 0.05, hold=2) == [ROCK] * 3 + [CLASSICAL] * 2
    assert stable_labels(scores_of_rock(0.5, 0.5, 0.9), 0.6, 0.05, hold=2) == [NONE, NONE, ROCK]
