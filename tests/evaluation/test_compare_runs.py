from __future__ import annotations

import csv
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.config import Config
from ei_toolkit.evaluation.run_log import (
    Run,
    differences,
    flatten,
    list_runs,
    metrics,
    record_run,
    short_result,
    to_csv,
)


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
        ({"flash_bytes": 65032, "ram_bytes": 65032.0}, "flash 63.5 KiB, RAM 63.5 KiB"),
        ({"deployment_version": 3, "seconds": 7.5, "model_sha256": "ab" * 32}, "deployment 3, model abababababab"),
        ({"seconds": 1.23456, "bytes": 65032.5}, "bytes 65032, seconds 1.235"),
        (
            {"baselines": {"level": BASELINE}, "clean": {"track_accuracy": 0.98, "window_accuracy": 0.95}},
            "clip accuracy 98.0 %, top-1 accuracy 95.0 %",
        ),
        ({"history": {"accuracy": 0.1}, "test": {"int8": {"accuracy": 0.9}, "float32": {"accuracy": 0.91}}},
         "test accuracy 90.0 %"),
        ({"test": {"int8": {"top_1_accuracy": 0.9, "thresholded_accuracy": 0.85}}},
         "accuracy at threshold 85.0 %, top-1 accuracy 90.0 %"),
        ({"accuracy": 0.5, "top_1_accuracy": 0.75, "equal": 4}, "accuracy at threshold 50.0 %, top-1 accuracy 75.0 %"),
        ({"history": {"accuracy": 0.1}, "level": {"accuracy": 0.5}}, "level.accuracy 0.5, history.accuracy 0.1"),
    ],
)  # fmt: skip
def test_the_short_result_of_a_run_begins_with_the_most_important_metric(
    project: Callable[..., Config], metrics: dict[str, object], expected: str
) -> None:
    assert short_result(record_run(project(), "evaluation", metrics)) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=3),
    lambda node: st.lists(node, max_size=3) | st.dictionaries(st.text("xyz", min_size=1, max_size=2), node, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_every_value_is_found_under_its_dotted_key(node: Any) -> None:
    for key, value in flatten(node):
        found = node
        for part in filter(None, key.split(".")):
            found = found[int(part) if isinstance(found, list) else part]
        assert found == value


def run_of(number: int, **values: Any) -> Run:
    made = Run(number, "2026-11-21T00:00:00", "train", {"training": {"epochs": 30}}, "d" * 64, "0.3+abc", "f", {})
    return replace(made, **values)


def test_windows_and_code_are_compared_as_well_as_settings() -> None:
    runs = [run_of(1), run_of(2, data_hash="e" * 64, code_version="0.4+def")]
    assert differences(runs) == {"windows": ["d" * 12, "e" * 12], "code": ["0.3+abc", "0.4+def"]}
    assert differences(runs[:1]) == {}


def test_a_setting_that_only_one_run_has_is_a_difference() -> None:
    runs = [run_of(1, config={}), run_of(2)]
    assert differences(runs) == {"training.epochs": [None, 30]}


def test_values_of_different_types_differ() -> None:
    runs = [run_of(1, config={"flag": True}), run_of(2, config={"flag": 1})]
    assert differences(runs) == {"flag": [True, 1]}


def test_csv_survives_commas_quotes_and_line_breaks_in_values() -> None:
    text = 'a "quoted", text\nwith a line break; größe'
    (row,) = csv.DictReader(io.StringIO(to_csv([run_of(7, metrics={"text": text})])))
    assert (row["id"], row["metrics.text"]) == ("7", text)


def test_csv_of_no_runs_is_an_empty_line() -> None:
    assert to_csv([]).strip() == ""


def test_a_result_without_numbers_has_no_short_form() -> None:
    assert short_result(run_of(1, metrics={"text": "x"})) == ""


def test_runs_of_several_threads_are_all_recorded(project: Callable[..., Config]) -> None:
    config = project()
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda number: record_run(config, "train", {"number": number}).id, range(12)))
    assert sorted(ids) == list(range(1, 13))
    assert {run.id: run.metrics["number"] for run in list_runs(config.paths)} == dict(zip(ids, range(12), strict=True))


def test_a_metric_that_is_not_a_number_is_stored_as_it_is(project: Callable[..., Config]) -> None:
    record_run(project(), "train", {"loss": float("nan"), "label": "größe"})
    (run,) = list_runs(project().paths)
    assert run.metrics["loss"] != run.metrics["loss"]
    assert run.metrics["label"] == "größe"
