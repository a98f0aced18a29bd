"""The job of the README, with a real local studio, a real training and the host board; and what its results give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from support import eitk as command

import ei_toolkit as eitk

pytestmark = pytest.mark.timeout(900)  # one training, on a machine that may be busy
Job = Mapping[str, Any]
RESULTS = ("windows", "uploaded", "changed", "training", "library", "classified", "flashed", "verified")


def test_the_program_of_the_readme_has_at_most_20_lines(program: str) -> None:
    assert len([line for line in program.splitlines() if line.strip()]) <= 20


def test_the_board_computes_what_python_computes(job: Job) -> None:
    verified: eitk.Verification = job["verified"]
    assert verified.is_equal
    assert len(verified.windows) > 3
    assert {row["clip"] for row in verified.records()} == {verified.clips[0].clip}


def test_everything_arrives_in_the_studio(job: Job) -> None:
    assert job["uploaded"].done == job["uploaded"].windows == len(job["windows"].windows) == 48
    samples = job["studio"].samples()
    assert {sample.category for sample in samples} == {"training", "testing"}
    assert len(samples) == 48
    assert any(change.key.endswith("epochs") for change in job["changed"].changes)


def test_applying_the_same_impulse_again_changes_nothing(job: Job) -> None:
    assert job["studio"].apply_impulse().changes == ()


def test_a_difference_is_shown_and_nothing_changed(job: Job) -> None:
    other = eitk.connect(job["project"].with_settings({"training.epochs": 9}))
    for _ in range(2):
        [change] = other.apply_impulse(dry_run=True).changes
        assert change.key.endswith("epochs")


def test_the_impulse_is_written_back_into_the_settings(job: Job) -> None:
    project: eitk.Project = job["project"]
    text = (project.folder / "eitk.toml").read_text()
    try:
        [pulled] = eitk.connect(project).pull_impulse().settings.impulse.dsp
        [own] = project.settings.impulse.dsp
        assert pulled.type == own.type and pulled.params.items() >= own.params.items()
    finally:
        (project.folder / "eitk.toml").write_text(text)


def test_a_training_has_its_accuracies_and_the_values_of_each_epoch(job: Job) -> None:
    training: eitk.Training = job["training"]
    assert {name: len(values) for name, values in training.history.items()}["val_loss"] == 5
    assert [row["variant"] for row in training.records()] == ["int8", "float32"] * 2
    assert training.test.int8.windows == 12
    assert training.to_dict()["test"]["int8"]["windows"] == 12
    assert training.figure().axes[0].get_xlabel() == "epoch"


def test_the_confusion_matrix_is_a_figure(job: Job) -> None:
    [axis] = job["training"].test.figure().axes
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("predicted", "actual")


def test_the_library_is_pinned(job: Job) -> None:
    library: eitk.Build = job["library"]
    assert library.library.suffix == ".zip"
    assert library.model.read_bytes()[4:8] == b"TFL3"
    assert library.to_dict()["model_sha256"] == library.lock.model_sha256


def test_files_are_classified_over_time(job: Job) -> None:
    classified: eitk.Classification = job["classified"]
    assert len(classified.files) == len(job["testing"]) == 4
    assert classified.labels == ("classical", "rock")
    first = classified.files[0].timeline.scores
    np.testing.assert_allclose(first.sum(axis=1), 1, atol=0.01)
    assert len(classified.figure(3).axes) == 2
    with pytest.raises(eitk.UsageError, match="there is no file 4"):
        classified.figure(4)


def test_the_estimates_of_the_studio_have_units(job: Job) -> None:
    rows = job["studio"].profile().records()
    assert {"latency_ms", "ram_bytes", "flash_bytes"} < set(rows[0])
    assert all(row["ram_bytes"] > 1000 for row in rows)


def test_predictions_of_the_board_arrive(job: Job) -> None:
    played = eitk.play(job["project"], job["testing"][:1])
    assert played == pytest.approx(6, abs=0.5)
    [prediction] = eitk.predictions(job["project"], 1)
    assert set(prediction.scores) == {"classical", "rock"}


def test_the_board_is_found_while_it_runs(job: Job) -> None:
    assert "host" in [row["board"] for row in eitk.find_boards(job["project"]).records()]


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_is_plain_data_and_a_table(job: Job, name: str) -> None:
    result: eitk.Result = job[name]
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))
    records = result.records()
    assert records
    assert all(list(row) == list(records[0]) for row in records)
    assert result._repr_html_().startswith(f"<table><caption>{type(result).__name__}")


def test_results_are_what_the_commands_print(job: Job) -> None:
    folder = job["project"].folder
    flags = ["-o", "slice.augment.copies=0", "-o", "training.epochs=5"]
    printed = command(folder, "classify", *map(str, job["testing"]), "--json", *flags).data
    made = job["classified"].to_dict()
    assert [one["timeline"] for one in printed["files"]] == [one["timeline"] for one in made["files"]]
    checked = command(folder, "eon", "check", str(job["library"].model), "--json").data
    assert checked == json.loads(json.dumps(eitk.check_model(job["library"].model).to_dict()))


def test_the_commands_continue_what_python_began(job: Job) -> None:
    flags = ["-o", "slice.augment.copies=0", "-o", "training.epochs=5"]
    sliced = command(job["project"].folder, "slice", "--json", *flags)
    assert "nothing has changed since the last run" in sliced.err
    kinds = [run["kind"] for run in command(job["project"].folder, "runs", "list", "--json").data]
    assert {"train", "build", "flash", "verify"} <= set(kinds)
