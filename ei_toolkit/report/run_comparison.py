"""Runs compared with the first of them: settings, accuracies, other results, and learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ei_toolkit.config.units import kib, percent
from ei_toolkit.evaluation.run_log import PRIMARY_METRICS, Run, Scalar, differences, flatten, metrics
from ei_toolkit.impulse.metrics import TOP_1, thresholded_name
from ei_toolkit.report import figures
from ei_toolkit.report.figures import Figure
from ei_toolkit.report.tables import Cell, Table

OLDER_NAMES = {"test accuracy": thresholded_name(None), "validation accuracy": f"validation {TOP_1}"}
SERIES = ("history.", "tracks.", "models.", "checks.")  # values of epochs, clips, folds and checks: only with `whole`


def run_names(runs: Sequence[Run]) -> list[str]:
    """Return the heads of the columns."""
    return [f"run {run.id}" for run in runs]


def changes(measured: Mapping[str, Sequence[Scalar]]) -> dict[str, list[float | None]]:
    """Return for each metric that differs the values of the later runs minus that of the first one.

    None where one of the two is not a number.
    """
    return {
        key: [_minus(value, first) for value in others]
        for key, (first, *others) in measured.items()
        if any(value != first for value in others) and any(_minus(value, first) is not None for value in others)
    }


def settings_table(runs: Sequence[Run]) -> Table | None:
    """Return settings, windows and code that differ; None where they are the same."""
    rows = tuple((key, *map(_cell, values)) for key, values in differences(runs).items())
    return Table("what differs", ("setting", *run_names(runs)), rows) if rows else None


def results_table(runs: Sequence[Run], *, whole: bool = False) -> Table | None:
    """Return the accuracies by their names, then the other results that differ, with their changes.

    `whole` adds every other metric, also those that are the same.
    """
    measured = metrics(runs)
    others = [key for key in measured if key not in PRIMARY_METRICS and (whole or _is_shown(key, measured[key]))]
    rows = [_row(name, "accuracy", values) for name, values in named_accuracies(runs).items()]
    rows += [_row(key, key, measured[key]) for key in others]
    names = run_names(runs)
    head = ("result", *names, *(["change"] if len(runs) == 2 else [f"change of {name}" for name in names[1:]]))
    return Table("results", head, tuple(rows)) if rows else None


def named_accuracies(runs: Sequence[Run]) -> dict[str, list[float | None]]:
    """Return the accuracies that describe the model of a run, by their names: a value, or None, for each run."""
    found = [dict(flatten(run.metrics)) for run in runs]
    names = dict.fromkeys(PRIMARY_METRICS.values())
    table = {name: [_first(one, name) for one in found] for name in names}
    return {name: values for name, values in table.items() if any(value is not None for value in values)}


def _first(found: Mapping[str, Scalar], name: str) -> float | None:
    """Return the value of the first key with this name; that of an older name only where the newer one is missing."""
    if name in OLDER_NAMES and _first(found, OLDER_NAMES[name]) is not None:
        return None
    values = (found.get(key) for key, own in PRIMARY_METRICS.items() if own == name)
    return next((value for value in values if isinstance(value, int | float)), None)


def histories(runs: Sequence[Run], measure: str) -> dict[str, list[float]]:
    """Return the values of each epoch of the runs that have them: those of the validation, else of the training."""
    found = {}
    for run in runs:
        own: Mapping[str, Any] = run.metrics.get("history") or {}
        if values := own.get(f"val_{measure}") or own.get(measure):
            found[f"run {run.id}"] = [float(value) for value in values]
    return found


def comparison_figure(runs: Sequence[Run]) -> Figure | None:
    """Draw accuracies and learning curves of the runs; None where they have neither."""
    accuracies, curves = named_accuracies(runs), histories(runs, "accuracy")
    return figures.compared_runs(run_names(runs), accuracies, curves) if accuracies or curves else None


def _is_shown(key: str, values: Sequence[Scalar]) -> bool:
    is_element = any(part.isdigit() for part in key.split("."))  # of a list, such as a confusion matrix
    return len(set(map(repr, values))) > 1 and not is_element and not key.startswith(SERIES)


def _row(name: str, key: str, values: Sequence[Scalar]) -> tuple[Cell, ...]:
    first, *others = values
    return name, *(_shown(key, value) for value in values), *(_change(key, _minus(one, first)) for one in others)


def _shown(key: str, value: Scalar) -> Cell:
    if _is_share(key) and isinstance(value, int | float):
        return percent(value)
    if key.endswith("_bytes") and isinstance(value, int | float):
        return kib(value)
    if key.endswith("sha256") and isinstance(value, str):
        return value[:12]
    return _cell(value)


def _cell(value: Scalar) -> Cell:
    return str(value) if isinstance(value, bool) else value


def _change(key: str, change: float | None) -> str | None:
    if change is None:
        return None
    if not change:
        return "0"
    if _is_share(key):
        return f"{100 * change:+.1f} points"
    return f"{'+' if change > 0 else '-'}{kib(abs(change))}" if key.endswith("_bytes") else f"{change:+.4g}"


def _is_share(key: str) -> bool:
    return key.endswith("accuracy")


def _minus(value: Scalar, first: Scalar) -> float | None:
    both = (value, first)
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in both):
        return None
    return float(value) - float(first)  # type: ignore[arg-type]
