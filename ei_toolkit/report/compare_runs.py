"""Runs side by side: what differs in their settings, data and code, and every number that they report."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ei_toolkit.report.runs import Run

Scalar = str | int | float | bool | None
TELLING = (
    "clean.track_accuracy",
    "clean.window_accuracy",
    "accuracy",
    "test.int8.accuracy",
    "validation.int8.accuracy",
)
BESIDE = ("baselines.", "conditions.", "history.")  # what the model's own figures are read against


def flatten(node: Any, prefix: str = "") -> Iterator[tuple[str, Scalar]]:
    """Nested tables and lists as (dotted key, value)."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from flatten(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(node, (list, tuple)):
        for i, value in enumerate(node):
            yield from flatten(value, f"{prefix}.{i}")
    else:
        yield prefix, node


def differences(runs: Sequence[Run]) -> dict[str, list[Scalar]]:
    """Settings, windows and code that are not the same in all runs: key -> one value a run."""
    tables = [
        dict(flatten(run.config)) | {"windows": run.data_hash[:12], "code": run.code_version} for run in runs
    ]  # fmt: skip
    rows = _beside(tables)
    return {key: values for key, values in rows.items() if len(set(map(repr, values))) > 1}


def metrics(runs: Sequence[Run]) -> dict[str, list[Scalar]]:
    """All metrics of all runs: key -> one value a run, None where a run does not have it."""
    return _beside([dict(flatten(run.metrics)) for run in runs])


def to_csv(runs: Sequence[Run]) -> str:
    """One line a run, one column for every setting and metric that any of them has."""
    rows = [
        {"id": run.id, "created": run.created, "kind": run.kind, "data_hash": run.data_hash, "code": run.code_version}
        | {f"config.{key}": value for key, value in flatten(run.config)}
        | {f"metrics.{key}": value for key, value in flatten(run.metrics)}
        for run in runs
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def gist(run: Run) -> str:
    """The verdict of a gate, else the most telling accuracies, else the first few numbers."""
    numbers = [(key, value) for key, value in flatten(run.metrics) if isinstance(value, (int, float))]
    telling = sorted((pair for pair in numbers if pair[0].endswith("accuracy")), key=lambda pair: _rank(pair[0]))
    shown = [f"{key} {_short(value)}" for key, value in (telling or numbers)[:3]]
    return str(run.metrics.get("verdict", "")) or ", ".join(shown)


def _rank(key: str) -> tuple[int, bool]:
    """Smaller for what says more of the model itself."""
    return TELLING.index(key) if key in TELLING else len(TELLING), key.startswith(BESIDE)


def _short(value: float) -> str:
    if float(value).is_integer():
        return str(int(value))
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def _beside(tables: Sequence[Mapping[str, Scalar]]) -> dict[str, list[Scalar]]:
    keys = dict.fromkeys(key for table in tables for key in table)
    return {key: [table.get(key) for table in tables] for key in keys}
