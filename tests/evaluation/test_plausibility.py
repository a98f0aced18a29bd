"""An accuracy that a constant answer reaches, and a validation far above the test, are warned of."""

from __future__ import annotations

import pytest

from ei_toolkit.dataset.plan import Row
from ei_toolkit.evaluation.plausibility import majority_warning, validation_warning

ROWS = [Row("classical", "training", 120, 0, 40, 8), Row("classical", "testing", 30, 0, 10, 6),
        Row("rock", "training", 120, 0, 40, 7), Row("rock", "testing", 30, 0, 10, 1)]  # fmt: skip


def test_a_model_that_always_predicts_the_frequent_label_is_warned_of() -> None:
    warning = majority_warning("top-1 accuracy", 24 / 28, {"classical": 4, "rock": 24})
    assert warning == (
        "the model is not better than one that always predicts rock: top-1 accuracy 85.7 %, majority baseline 85.7 %"
        " (24 of 28 windows are rock)"
    )


@pytest.mark.parametrize(("accuracy", "windows"), [
    (25 / 28, {"classical": 4, "rock": 24}),
    (0.51, {"classical": 10, "rock": 10}),
    (None, {"classical": 10, "rock": 10}),  # the studio does not state it
    (0.0, {}),  # no window was scored
])  # fmt: skip
def test_a_model_above_the_baseline_is_not(accuracy: float | None, windows: dict[str, int]) -> None:
    assert majority_warning("top-1 accuracy", accuracy, windows) is None


def test_a_validation_far_above_the_test_names_the_labels_with_few_groups() -> None:
    warning = validation_warning(1.0, 0.62, ROWS)
    assert warning
    assert "38.0 points above that of the test (100.0 % and 62.0 %)" in warning
    assert "the likely cause: rock has only 1 group in testing." in warning


def test_without_few_groups_another_cause_is_named() -> None:
    assert "resemble training windows" in str(validation_warning(1.0, 0.62, ROWS[:3]))


@pytest.mark.parametrize(("validation", "test"), [(0.9, 0.8), (0.7, 0.9), (None, 0.5), (0.5, None)])
def test_a_small_gap_is_no_warning(validation: float | None, test: float | None) -> None:
    assert validation_warning(validation, test, ROWS) is None
