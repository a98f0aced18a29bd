"""Warnings about accuracies that say less than they seem to: at the majority baseline, or far below validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ei_toolkit.config.units import percent
from ei_toolkit.dataset.plan import Row
from ei_toolkit.impulse.metrics import MAJORITY, TOP_1, majority_share

VALIDATION_GAP = 0.15  # validation above test by more than this is reported
FEW_GROUPS = 5  # with fewer groups of a label in a split, one group moves its accuracy by 20 points or more


def majority_warning(name: str, accuracy: float | None, windows_by_label: Mapping[str, int]) -> str | None:
    """Return a warning if the accuracy called `name` is not above the majority baseline of the same windows."""
    majority = majority_share(windows_by_label.values())
    if accuracy is None or not majority or accuracy > majority:
        return None
    label, count = max(windows_by_label.items(), key=lambda item: item[1])
    return (
        f"the model is not better than one that always predicts {label}: {name} {percent(accuracy)}, {MAJORITY}"
        f" {percent(majority)} ({count} of {sum(windows_by_label.values())} windows are {label})"
    )


def validation_warning(validation: float | None, test: float | None, rows: Sequence[Row]) -> str | None:
    """Return a warning if the top-1 accuracy of validation is far above that of the test.

    `rows` are the project's windows by label and split; they name the likely cause. None where all is well.
    """
    if validation is None or test is None or validation - test <= VALIDATION_GAP:
        return None
    few = ", ".join(_few_groups(rows)) or "validation windows that resemble training windows more than the test does"
    return (
        f"the {TOP_1} of the validation is {100 * (validation - test):.1f} points above that of the test"
        f" ({percent(validation)} and {percent(test)}); the likely cause: {few}. eitk evaluate measures every clip once"
    )


def _few_groups(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if row.groups < FEW_GROUPS:
            groups = "group" if row.groups == 1 else "groups"
            yield f"{row.label} has only {row.groups} {groups} in {row.split}"
