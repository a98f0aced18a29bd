"""The published tables are unchanged, with this project's results added; an unknown value is a dash."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ei_toolkit.config import Config
from ei_toolkit.dataset.manifest import Window
from ei_toolkit.evaluation.run_log import Run
from ei_toolkit.report.project_summary import ProjectSummary
from ei_toolkit.report.published import OwnResults, like_published, own_results

NOTHING = OwnResults(("classical", "rock"), {}, {}, [], {})


def test_the_published_figures_are_shown_without_any_of_ours() -> None:
    split, evaluation, confusion, hardware = like_published(NOTHING)
    assert split.rows[-1] == ("total", 160, 40, 200, 0, 0, 0)
    assert evaluation.rows[0][:4] == ("validation", "int8", "published", 0.9722)
    assert evaluation.rows[1][3:] == (None,) * 6
    assert confusion.rows[0] == ("classical", "95.7 %", "4.3 %", None, None)
    assert hardware.rows[0] == ("latency", "205 ms", "3139 ms", None, None)


def test_the_results_of_this_project_are_added() -> None:
    ours = OwnResults(
        labels=("classical", "rock"),
        clips={"rock": (60, 8), "classical": (58, 10)},
        metrics={("test", "int8"): {"accuracy": 0.95, "loss": 0.2}},
        confusion=[[9, 1], [0, 8]],
        hardware={"RAM": ("12.3 KiB", "40.0 KiB")},
    )
    split, evaluation, confusion, hardware = like_published(ours)
    assert split.rows[0] == ("rock", 80, 20, 100, 60, 8, 68)
    assert evaluation.rows[5] == ("test", "int8", "ours", 0.95, None, None, None, None, 0.2)
    assert confusion.rows[0][3:] == ("90.0 %", "10.0 %")
    assert hardware.rows[1][3:] == ("12.3 KiB", "40.0 KiB")


def test_other_genres_than_the_published_ones_have_rows_too() -> None:
    ours = OwnResults(("jazz", "rock"), {"jazz": (4, 1)}, {}, [[1, 0], [0, 1]], {})
    split, _, confusion, _ = like_published(ours)
    assert ("jazz", None, None, None, 4, 1, 5) in split.rows
    assert confusion.rows[0] == ("jazz", None, None, "100.0 %", "0.0 %")


def window(number: int, clip: str, split: Any = "training", label: str = "rock") -> Window:
    return Window(f"{number}.wav", f"{number:064}", clip, "c" * 64, "x", 0, label, split)


def summary_of(project: Callable[..., Config], **metrics: Any) -> ProjectSummary:
    """A project with three clips of one label and one of another, and one training."""
    rows = (window(1, "a.wav"), window(2, "a.wav"), window(3, "b.wav"), window(4, "c.wav", "testing"),
            window(5, "d.wav", label="jazz"))  # fmt: skip
    runs = (Run(1, "2026-11-21T00:00:00", "train", {}, "", "", "", metrics),)
    return ProjectSummary(project(), rows, runs, {}, None)


def test_clips_are_counted_and_not_their_windows(project: Callable[..., Config]) -> None:
    assert own_results(summary_of(project)).clips == {"jazz": (1, 0), "rock": (2, 1)}


def test_figures_of_the_last_training_are_taken_by_set_and_variant(project: Callable[..., Config]) -> None:
    int8 = {"accuracy": 0.9, "loss": None, "auc": 1, "labels": ["a"], "confusion_matrix": [[3, 1], [0, 2]]}
    ours = own_results(summary_of(project, validation={"int8": int8}, test={"float32": {"accuracy": 0.5}}))
    assert ours.metrics == {("validation", "int8"): {"accuracy": 0.9, "auc": 1}, ("test", "float32"): {"accuracy": 0.5}}
    assert ours.confusion == [[3, 1], [0, 2]]
    assert ours.hardware["accuracy at threshold"] == ("–", "50.00 %")


def test_the_cost_on_the_board_has_units(project: Callable[..., Config]) -> None:
    hardware = {"int8": {"latency_ms": 12.6, "ram_bytes": 4608, "flash_bytes": 30_720}, "float32": {"ram_bytes": 8192}}
    ours = own_results(summary_of(project, hardware=hardware))
    assert ours.hardware == {
        "latency": ("13 ms", "–"), "RAM": ("4.5 KiB", "8.0 KiB"), "flash": ("30.0 KiB", "–"),
        "accuracy at threshold": ("–", "–"),
    }  # fmt: skip


def test_before_a_training_every_own_value_is_unknown(project: Callable[..., Config]) -> None:
    ours = own_results(ProjectSummary(project(), (), (), {}, None))
    assert (ours.labels, ours.clips, ours.metrics, ours.confusion) == ((), {}, {}, [])
    assert set(ours.hardware.values()) == {("–", "–")}
