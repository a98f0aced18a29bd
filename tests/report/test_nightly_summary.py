"""The summary of a nightly run reports what happened, in Markdown that GitHub shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ei_toolkit.config import Config
from ei_toolkit.evaluation.run_log import Run, record_run
from ei_toolkit.report.nightly_summary import RUNS_SHOWN, gate_confusion, nightly_summary, trial_table

LABELS = ("classical", "rock")


def trial(accuracy: float) -> dict[str, object]:
    cost = {"ram_bytes": 12_300, "flash_bytes": 20_100, "latency_ms": 14.4, "how": "emulated", "features_ms": 120.2}
    return {
        "thresholded_accuracy": accuracy, "top_1_accuracy": 0.97, "track_accuracy": 0.96,
        "confusion": [[9, 1, 0], [0, 7, 3]], "cost": cost,
    }  # fmt: skip


@pytest.fixture
def gate_runs(project: Callable[..., Config]) -> Callable[..., list[Run]]:
    """Runs of the gate, with these shares of windows right."""

    def make(*shares: float) -> list[Run]:
        figures = {
            "verdict": "passed", "text": "The challenger passes.", "champion": trial(0.9), "threshold": 0.6,
            "majority": 0.5,
        }  # fmt: skip
        return [record_run(project(), "gate", figures | {"challenger": trial(share)}) for share in shares]

    return make


def test_verdict_champion_confusion_and_history_are_there(gate_runs: Callable[..., list[Run]]) -> None:
    text = nightly_summary("Genres", gate_runs(0.5, 0.75, 1.0), LABELS, new=True)
    assert text.startswith("# Genres: passed\n")
    assert "| accuracy at threshold 0.6 | 100.0 % | 90.0 % |" in text
    assert "| top-1 accuracy | 97.0 % | 97.0 % |" in text
    assert "| majority baseline | 50.0 % | 50.0 % |" in text
    assert "| RAM | 12.0 KiB | 12.0 KiB |" in text
    assert "| time of a classification, estimated | 135 ms (features 120 + network 14)" in text
    assert "| actual \\\\ predicted | classical | rock | uncertain |" in text
    assert "| rock | 0.0 % | 70.0 % | 30.0 % |" in text
    assert "`▁▅█`" in text


def test_a_run_without_changes_names_the_run_whose_verdict_holds(gate_runs: Callable[..., list[Run]]) -> None:
    text = nightly_summary("Genres", gate_runs(0.9), LABELS, new=False)
    assert text.startswith("# Genres: nothing changed\n")
    assert "the same as in run 1" in text


def test_the_history_is_thirty_runs_long(gate_runs: Callable[..., list[Run]]) -> None:
    text = nightly_summary("Genres", gate_runs(*[0.5] * 5, *[1.0] * RUNS_SHOWN), LABELS, new=True)
    assert f"`{'█' * RUNS_SHOWN}`" in text


def test_without_any_gate_run_it_reports_that() -> None:
    assert "No model has been tested by the gate yet." in nightly_summary("Genres", [], LABELS, new=True)


def test_runs_of_older_versions_have_dashes_for_the_figures_that_they_lack() -> None:
    old = {"thresholded_accuracy": 0.9, "track_accuracy": 0.95, "confusion": [[9, 1], [2, 8]],
           "cost": {"ram_bytes": 2048, "flash_bytes": 4096, "latency_ms": 14.4, "how": "emulated"}}  # fmt: skip
    figures = {"challenger": old, "champion": None}
    rows = {row[0]: row[1:] for row in trial_table(figures).rows}
    assert rows["accuracy at threshold"] == ("90.0 %", None)
    assert rows["top-1 accuracy"] == rows["majority baseline"] == (None, None)
    assert rows["time of a classification, estimated"] == ("14 ms (network only)", None)
    matrix = gate_confusion(figures, LABELS)
    assert matrix.columns == LABELS
    assert matrix.title == "Confusion matrix of the held-out windows"


def test_the_matrix_of_the_gate_names_its_threshold_and_has_uncertain_windows() -> None:
    matrix = gate_confusion({"challenger": trial(0.8), "threshold": 0.7}, LABELS)
    assert matrix.title == "Confusion matrix of the held-out windows at threshold 0.7"
    assert matrix.columns == (*LABELS, "uncertain")
