"""The summary of a night says what happened, in Markdown that GitHub shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ei_toolkit.config import Config
from ei_toolkit.evaluation.run_log import Run, record_run
from ei_toolkit.report.nightly_summary import NIGHTS, nightly_summary

LABELS = ("classical", "rock")


def trial(accuracy: float) -> dict[str, object]:
    cost = {"ram_bytes": 12_300, "flash_bytes": 20_100, "latency_ms": 14.4, "how": "emulated"}
    return {"thresholded_accuracy": accuracy, "track_accuracy": 0.96, "confusion": [[9, 1], [0, 10]], "cost": cost}


@pytest.fixture
def nights(project: Callable[..., Config]) -> Callable[..., list[Run]]:
    """Runs of the gate, with these shares of windows right."""

    def make(*shares: float) -> list[Run]:
        figures = {"verdict": "passed", "text": "The challenger passes.", "champion": trial(0.9)}
        return [record_run(project(), "gate", figures | {"challenger": trial(share)}) for share in shares]

    return make


def test_verdict_champion_confusion_and_history_are_there(nights: Callable[..., list[Run]]) -> None:
    text = nightly_summary("Genres", nights(0.5, 0.75, 1.0), LABELS, new=True)
    assert text.startswith("# Genres: passed\n")
    assert "| thresholded accuracy of windows | 100.0 % | 90.0 % |" in text
    assert "| classical | 90.0 % | 10.0 % |" in text
    assert "`▁▅█`" in text


def test_a_night_without_news_says_so_and_which_run_stands(nights: Callable[..., list[Run]]) -> None:
    text = nightly_summary("Genres", nights(0.9), LABELS, new=False)
    assert text.startswith("# Genres: nothing new\n")
    assert "those of run 1" in text


def test_the_history_is_thirty_nights_long(nights: Callable[..., list[Run]]) -> None:
    text = nightly_summary("Genres", nights(*[0.5] * 5, *[1.0] * NIGHTS), LABELS, new=True)
    assert f"`{'█' * NIGHTS}`" in text


def test_without_any_gate_it_says_that() -> None:
    assert "Nothing was brought before the gate." in nightly_summary("Genres", [], LABELS, new=True)
