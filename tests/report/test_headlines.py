"""The summary of a project states what has run, and names the command for what has not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ei_toolkit.config import Config
from ei_toolkit.config.lockfile import Lock
from ei_toolkit.dataset.manifest import Window
from ei_toolkit.eon.profile import Profile
from ei_toolkit.evaluation.run_log import Run
from ei_toolkit.report.headlines import headlines, missing_steps
from ei_toolkit.report.project_summary import ProjectSummary

SHA = "ab" * 32
LOCK = Lock(3, 1, "tflite-eon", "int8", "arduino", "lib.zip", "0" * 64, "model.tflite", SHA, "2026-11-21")
PROFILE = Profile("emulated", 30_000, 12_000, 512, 3000, 2800, 2000, 1000, 2590, 14.4, 0.05, ())
COST = {"ram_bytes": 12_300, "flash_bytes": 20_100, "latency_ms": 14.4, "how": "emulated"}
GATE = {
    "verdict": "refused", "reasons": ["it is worse", "it is too large"], "challenger_sha256": SHA, "threshold": 0.6,
    "challenger": {"thresholded_accuracy": 0.9, "top_1_accuracy": 0.925, "track_accuracy": 0.95, "cost": COST},
    "majority": 0.5, "clips": 40, "artists": 20, "interval": [0.8, 0.97], "worst": ["mic", 0.7],
}  # fmt: skip
EVALUATION = {
    "protocol": "artist-5fold",
    "clean": {"window_accuracy": 0.9, "track_accuracy": 1.0, "interval": [1.0, 1.0], "tracks": 8, "artists": 4},
    "conditions": {"mic": {"window_accuracy": 0.75}, "gain-20": {"window_accuracy": 0.5}},
}


@pytest.fixture
def bare(project: Any) -> ProjectSummary:
    """A project with one window, before its first training."""
    config: Config = project()
    row = Window("1.wav", "1" * 64, "1.wav", "1" * 64, "a1", 0, "rock", "training")
    return ProjectSummary(config, (row,), (), {}, None)


def run_of(kind: Any, **metrics: Any) -> Run:
    return Run(1, "2026-11-21T00:00:00", kind, {}, "d" * 64, "code", "print", metrics)


def pinned(summary: ProjectSummary, *runs: Run, **changes: Any) -> ProjectSummary:
    """The same project with a pinned model that was profiled, and with these runs."""
    found = replace(summary, runs=runs, lock=LOCK, **changes)
    found.__dict__["profile"] = PROFILE  # where cached_property keeps its value
    return found


def shown(summary: ProjectSummary) -> list[tuple[str, str, str]]:
    return [(one.name, one.value, one.note) for one in headlines(summary)]


def test_before_a_training_there_are_only_missing_steps(bare: ProjectSummary) -> None:
    assert headlines(bare) == []
    assert [step.command for step in missing_steps(bare)] == ["eitk dataset audit", "eitk train --eon", "eitk evaluate"]


def test_a_training_has_the_accuracy_of_its_test_and_is_not_built(bare: ProjectSummary) -> None:
    int8 = {"thresholded_accuracy": 0.75, "threshold": 0.7, "windows": 40}
    trained = replace(bare, runs=(run_of("train", test={"int8": int8}),))
    assert shown(trained) == [("accuracy at threshold 0.7", "75.0 %", "40 windows of the last training's test")]
    assert [step.command for step in missing_steps(trained)] == ["eitk dataset audit", "eitk build", "eitk evaluate"]


def test_a_gate_has_accuracies_with_the_interval_the_worst_condition_and_the_verdict(bare: ProjectSummary) -> None:
    accuracy, worst, size, time, verdict = shown(pinned(bare, run_of("gate", **GATE)))
    assert accuracy == (
        "accuracy at threshold 0.6", "90.0 %",
        "40 held-out clips of 20 groups; 95 % interval by group 80.0 % to 97.0 %; top-1 accuracy 92.5 %; clip accuracy"
        " 95.0 %; majority baseline 50.0 %",
    )  # fmt: skip
    assert worst == ("worst condition: mic", "70.0 %", "top-1 accuracy of the pinned model")
    assert size == ("size on the board", "RAM 11.7 KiB, flash 29.3 KiB", "the network only")
    assert time[0] == "time of a classification" and time[1].endswith(" ms")
    assert "network 14; estimated for 64 MHz" in time[2]
    assert verdict == ("verdict of the gate", "refused", "it is worse; it is too large")


def test_after_a_gate_the_test_of_the_training_is_not_the_headline(bare: ProjectSummary) -> None:
    trained = run_of("train", test={"int8": {"thresholded_accuracy": 0.25}})
    assert shown(pinned(bare, trained, run_of("gate", **GATE)))[0][1] == "90.0 %"


def test_an_evaluation_has_the_clip_accuracy_and_its_lowest_condition(bare: ProjectSummary) -> None:
    clip, worst = shown(replace(bare, evaluation=EVALUATION))
    assert clip == (
        "clip accuracy", "100.0 %", "protocol artist-5fold; 8 clips of 4 groups: too few for an interval"
    )  # fmt: skip
    assert worst == ("worst condition: gain-20", "50.0 %", "top-1 accuracy, protocol artist-5fold")


def test_a_flashed_image_is_beside_the_size_of_the_network(bare: ProjectSummary) -> None:
    flash = run_of("flash", model_sha256=SHA, ram_bytes=60 * 1024, flash_bytes=100 * 1024)
    (size, _) = shown(pinned(bare, flash))
    assert size[2] == "the network only; the whole image: RAM 60.0 KiB, flash 100.0 KiB"


def test_a_pinned_model_needs_the_gate_and_the_board(bare: ProjectSummary) -> None:
    assert [step.command for step in missing_steps(pinned(bare, evaluation=EVALUATION))] == [
        "eitk dataset audit", "eitk gate", "eitk flash",
    ]  # fmt: skip


def test_a_gate_of_another_model_does_not_count(bare: ProjectSummary) -> None:
    other = pinned(bare, run_of("gate", **GATE | {"challenger_sha256": "f" * 64}))
    assert [name for name, _, _ in shown(other)] == ["size on the board", "time of a classification"]
    assert "eitk gate" in [step.command for step in missing_steps(other)]


def test_runs_of_older_versions_have_fewer_remarks(bare: ProjectSummary) -> None:
    old = {"verdict": "passed", "challenger_sha256": SHA, "threshold": 0.6,
           "challenger": {"thresholded_accuracy": 0.9, "track_accuracy": 0.95, "cost": COST}}  # fmt: skip
    assert shown(pinned(bare, run_of("gate", **old)))[0] == (
        "accuracy at threshold 0.6", "90.0 %", "clip accuracy 95.0 %",
    )  # fmt: skip
