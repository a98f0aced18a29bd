from __future__ import annotations

import csv
from collections.abc import Callable

import pytest

from ei_toolkit.config import Config
from ei_toolkit.evaluation.run_log import differences, flatten, metrics, record_run, short_result, to_csv


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


BASELINE = {"accuracy": 0.5, "track_accuracy": 0.5, "window_accuracy": 0.5}


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({"verdict": "passed", "accuracy": 0.9}, "passed"),
        ({"flash_bytes": 65032, "ram_bytes": 65032.0}, "flash_bytes 65032, ram_bytes 65032"),
        ({"seconds": 1.23456, "bytes": 65032.5}, "bytes 65032, seconds 1.235"),
        (
            {"baselines": {"level": BASELINE}, "clean": {"track_accuracy": 0.98, "window_accuracy": 0.95}},
            "clean.track_accuracy 0.98, clean.window_accuracy 0.95, baselines.level.accuracy 0.5",
        ),
        ({"history": {"accuracy": 0.1}, "test": {"int8": {"accuracy": 0.9}, "float32": {"accuracy": 0.91}}},
         "test.int8.accuracy 0.9, test.float32.accuracy 0.91, history.accuracy 0.1"),
    ],
)  # fmt: skip
def test_the_short_result_of_a_run_begins_with_the_most_important_metric(
    project: Callable[..., Config], metrics: dict[str, object], expected: str
) -> None:
    assert short_result(record_run(project(), "evaluation", metrics)) == expected
