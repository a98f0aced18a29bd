"""The state of a project as the report reads it: only what belongs to the pinned model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ei_toolkit.config import Config
from ei_toolkit.config.lockfile import Lock, write_lock
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.errors import DataError, MissingStepError
from ei_toolkit.evaluation.run_log import list_runs, record_run
from ei_toolkit.report.project_summary import (
    EVALUATION_NAME,
    gather_summary,
    held_out_windows,
    read_evaluation,
    write_evaluation,
)

LOCK = Lock(3, 1, "tflite-eon", "int8", "arduino", "lib.zip", "0" * 64, "model.tflite", "ab" * 32, "2026-11-21")


def window(number: int, **changes: Any) -> Window:
    made = Window(f"{number}.wav", f"{number:064}", f"{number}.wav", "c" * 64, "x", 0, "rock", "training")
    return replace(made, **changes)


@pytest.fixture
def config(project: Callable[..., Config]) -> Config:
    """A project with three windows, before its first training."""
    found = project()
    found.paths.windows.mkdir(parents=True)
    rows = (window(1), window(2, label="classical", split="testing"), window(3, split="testing"))
    Manifest(rows).write(found.paths.manifest)
    return found


def test_a_project_before_its_first_training(config: Config) -> None:
    summary = gather_summary(config)
    assert summary.labels == ("classical", "rock")
    assert (summary.runs, summary.evaluation, summary.lock, summary.model, summary.profile) == (
        (),
        {},
        None,
        None,
        None,
    )
    assert summary.latest("train") == {}


def test_without_windows_there_is_nothing_to_report(project: Callable[..., Config]) -> None:
    with pytest.raises(MissingStepError, match="there are no windows at") as caught:
        gather_summary(project())
    assert caught.value.hint == "eitk slice"


def test_the_latest_run_of_a_kind_counts(config: Config) -> None:
    for accuracy in (0.5, 0.75):
        record_run(config, "train", {"accuracy": accuracy})
    record_run(config, "build", {"version": 1})
    summary = gather_summary(config)
    assert summary.latest("train") == {"accuracy": 0.75}
    assert [run.metrics["accuracy"] for run in summary.of_kind("train")] == [0.5, 0.75]


@pytest.mark.parametrize(("kind", "key"), [("gate", "challenger_sha256"), ("flash", "model_sha256")])
def test_a_run_about_another_model_than_the_pinned_one_is_left_out(config: Config, kind: Any, key: str) -> None:
    record_run(config, kind, {key: LOCK.model_sha256, "number": 1})
    record_run(config, kind, {key: "f" * 64, "number": 2})
    assert gather_summary(config).latest(kind) == {}
    write_lock(config.paths.lock, LOCK)
    assert gather_summary(config).latest(kind)["number"] == 1


def test_a_model_that_was_removed_is_unknown(config: Config) -> None:
    write_lock(config.paths.lock, LOCK)
    summary = gather_summary(config)
    assert summary.lock == LOCK
    assert (summary.model, summary.profile) == (None, None)
    (config.paths.root / "model.tflite").write_bytes(b"TFL3")
    assert gather_summary(config).model == b"TFL3"


def test_an_evaluation_is_stored_whole_and_recorded_without_its_clips(config: Config) -> None:
    data = {
        "protocol": "artist",
        "clean": {"track_accuracy": 0.9},
        "tracks": [{"clip": "größe.wav"}],
        "models": [1],
    }
    write_evaluation(config, data)
    assert read_evaluation(config.paths.state) == data
    (run,) = list_runs(config.paths)
    assert (run.kind, run.metrics) == ("evaluation", {"protocol": "artist", "clean": {"track_accuracy": 0.9}})
    assert gather_summary(config).evaluation == data


@pytest.mark.parametrize("content", ["", "{", "[]", '"text"', "null"])
def test_a_damaged_evaluation_is_named(config: Config, content: str) -> None:
    config.paths.state.mkdir(parents=True, exist_ok=True)
    (config.paths.state / EVALUATION_NAME).write_text(content)
    with pytest.raises(DataError, match=r"evaluation\.json is damaged") as caught:
        gather_summary(config)
    assert caught.value.hint == "eitk evaluate"


def test_a_test_of_the_pinned_model_is_shown_from_the_second_of_its_build(config: Config) -> None:
    write_evaluation(config, {"protocol": "test"})
    made = list_runs(config.paths)[-1].created
    for created, is_shown in ((made, True), (made[:19] + ".999Z", True), ("2999-01-01T00:00:00Z", False)):
        write_lock(config.paths.lock, replace(LOCK, created=created))
        assert bool(gather_summary(config).evaluation) is is_shown, created


def test_a_test_without_a_pinned_model_is_left_out(config: Config) -> None:
    write_evaluation(config, {"protocol": "test"})
    assert gather_summary(config).evaluation == {}


def test_a_test_without_a_run_is_left_out(config: Config) -> None:
    write_lock(config.paths.lock, LOCK)
    config.paths.state.mkdir(parents=True, exist_ok=True)
    (config.paths.state / EVALUATION_NAME).write_text(json.dumps({"protocol": "test"}))
    assert gather_summary(config).evaluation == {}


def test_augmented_copies_are_not_held_out_windows() -> None:
    rows = [window(1), window(2, split="testing"), window(3, split="testing", augmentation="gain+3"),
            window(4, split="testing", label="jazz")]  # fmt: skip
    assert held_out_windows(rows, "rock") == [rows[1]]
