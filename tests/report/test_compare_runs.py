from __future__ import annotations

import csv
from collections.abc import Callable

from ei_toolkit.config import Config
from ei_toolkit.report.compare_runs import differences, flatten, metrics, to_csv
from ei_toolkit.report.runs import record_run


def test_nested_tables_become_dotted_keys() -> None:
    nested = {"int8": {"accuracy": 0.9, "matrix": [[1, 2], [3, 4]]}}
    assert dict(flatten(nested))["int8.matrix.1.0"] == 3


def test_only_what_differs_is_shown_but_every_metric(project: Callable[..., Config]) -> None:
    runs = [
        record_run(project(), "train", {"accuracy": 0.9}),
        record_run(project(training__epochs=5), "train", {"accuracy": 0.9, "loss": 0.3}),
    ]
    assert differences(runs) == {"training.epochs": [30, 5]}
    assert metrics(runs) == {"accuracy": [0.9, 0.9], "loss": [None, 0.3]}


def test_csv_has_a_column_for_whatever_any_run_has(project: Callable[..., Config]) -> None:
    runs = [record_run(project(), "train", {"loss": 0.3}), record_run(project(), "gate", {"verdict": "kept"})]
    first, second = csv.DictReader(to_csv(runs).splitlines())
    assert (first["metrics.loss"], first["metrics.verdict"], second["metrics.verdict"]) == ("0.3", "", "kept")
    assert first["config.training.epochs"] == "30"
