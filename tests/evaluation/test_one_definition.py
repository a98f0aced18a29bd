"""Studio, client, gate, evaluation and verification compute the same figures from the same scores of windows."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from ei_toolkit.board.verify.streamed import VerifiedClip, VerifiedWindow
from ei_toolkit.client.responses import parse_response
from ei_toolkit.client.results import ClassifyMetadata, Evaluation, read_test
from ei_toolkit.config import Config
from ei_toolkit.config.lockfile import Lock
from ei_toolkit.config.units import percent
from ei_toolkit.dataset.manifest import Window
from ei_toolkit.evaluation.gate import share_of_windows
from ei_toolkit.evaluation.held_out import HeldOut, Outcome
from ei_toolkit.evaluation.run_log import Run
from ei_toolkit.evaluation.scores import Scores, summarise
from ei_toolkit.impulse.metrics import majority_share
from ei_toolkit.report.board_tables import verification_json
from ei_toolkit.report.cards import model_card
from ei_toolkit.report.html.page import build_page
from ei_toolkit.report.nightly_summary import trial_table
from ei_toolkit.report.project_summary import ProjectSummary
from ei_toolkit.report.result_tables import evaluation_view, score_table
from ei_toolkit.studio.http.classify import accuracy, classification, predicted_label

LABELS = ("classical", "rock")
THRESHOLD = 0.6


@dataclass(frozen=True)
class Windows:
    """Windows of clips: the label of each clip, and the probability of rock of each of its windows."""

    clips: tuple[tuple[str, tuple[float, ...]], ...]

    @property
    def known(self) -> tuple[tuple[str, tuple[float, ...]], ...]:
        """The clips whose label the model has."""
        return tuple(clip for clip in self.clips if clip[0] in LABELS)

    @property
    def probabilities(self) -> np.ndarray:
        rock = np.array([p for _, windows in self.known for p in windows])
        return np.stack([1 - rock, rock], axis=1)

    @property
    def stored(self) -> dict[str, Any]:
        """The result as a classify job of the studio stores it."""
        samples = [
            {"id": i, "starts": [0.0] * len(rock), "labels": [label] * len(rock), "scores": [[1 - p, p] for p in rock]}
            for i, (label, rock) in enumerate(self.clips)
        ]
        return {"learn": 3, "labels": list(LABELS), "threshold": THRESHOLD, "increaseMs": 50, "samples": samples}


def by_client(found: Windows) -> Evaluation:
    """What the client reads from the studio's answer."""
    stored = found.stored
    result = [{"classifications": [classification(stored, entry, {"id": 3})]} for entry in stored["samples"]]
    answer = {"accuracy": accuracy(stored), "result": result}
    return read_test(parse_response(answer, ClassifyMetadata, "/result"), "int8")


def by_gate(found: Windows) -> Outcome:
    clips = tuple(HeldOut(f"{i}.wav", f"artist {i}", label, str(i)) for i, (label, _) in enumerate(found.known))
    owner = np.repeat(np.arange(len(clips)), [len(windows) for _, windows in found.known])
    return Outcome(clips, LABELS, owner, found.probabilities)


def by_evaluation(found: Windows) -> dict[str, Any]:
    rows = [(f"{i}", label) for i, (label, windows) in enumerate(found.known) for _ in windows]
    names, actual = np.array([name for name, _ in rows]), np.array([LABELS.index(label) for _, label in rows])
    return summarise(Scores(LABELS, names, names, actual, found.probabilities, threshold=THRESHOLD))


def by_verification(found: Windows) -> dict[str, Any]:
    def window(label: str, rock: float) -> VerifiedWindow:
        winner = predicted_label([1 - rock, rock], LABELS, THRESHOLD)
        scores = dict(zip(LABELS, (1 - rock, rock), strict=True))
        return VerifiedWindow("", label, 0, scores, (), (), winner, None, None)

    clips = [VerifiedClip("", label, tuple(window(label, p) for p in rock), ()) for label, rock in found.clips]
    summary: dict[str, Any] = verification_json("host", clips, THRESHOLD)["summary"]
    return summary


SAME = Windows((("rock", (0.9, 0.7, 0.55, 0.2)), ("classical", (0.1, 0.3, 0.45)), ("classical", (0.8, 0.7, 0.1)),
                ("jazz", (0.9, 0.1)), ("rock", (0.95, 0.85, 0.75))))  # fmt: skip
SHA = "ab" * 32


@pytest.fixture
def summary(project: Callable[..., Config]) -> ProjectSummary:
    """A project whose training, gate and evaluation all tested the windows of SAME."""
    config = project()
    settings = replace(config.settings, impulse=replace(config.settings.impulse, dsp=()))
    outcome = by_gate(SAME)
    cost = {"ram_bytes": 12_300, "flash_bytes": 20_100, "latency_ms": 14.4, "how": "emulated"}
    tested = {
        "thresholded_accuracy": outcome.window_accuracy(THRESHOLD), "top_1_accuracy": outcome.window_accuracy(),
        "track_accuracy": outcome.track_accuracy(), "confusion": outcome.confusion(THRESHOLD), "cost": cost,
    }  # fmt: skip
    metrics: dict[str, dict[str, Any]] = {
        "train": {"test": {"int8": by_client(SAME).data()}},
        "gate": {"verdict": "passed", "text": "", "challenger": tested, "challenger_sha256": SHA, "champion": None,
                 "labels": list(LABELS), "threshold": THRESHOLD,
                 "majority": majority_share(map(outcome.windows_of, LABELS))},
    }  # fmt: skip
    runs = tuple(Run(i, "2026-11-29", kind, {}, "", "", "", found) for i, (kind, found) in enumerate(metrics.items()))
    evaluation = {"clean": by_evaluation(SAME), "conditions": {}, "baselines": {}, "protocol": "test",
                  "threshold": THRESHOLD, "recipe": "eitk.toml", "folds": 1, "seeds": 1, "int8_drop": None,
                  "models": []}  # fmt: skip
    lock = Lock(3, 1, "tflite-eon", "int8", "arduino", "lib.zip", "0" * 64, "model.tflite", SHA, "2026-11-29")
    rows = tuple(Window(f"{label}.wav", "", f"{label}.wav", label, label, 0, label, "testing") for label in LABELS)
    return ProjectSummary(replace(config, settings=settings), rows, runs, evaluation, lock)


def text_of(view: RenderableType) -> str:
    out = io.StringIO()
    Console(file=out, width=200, markup=False).print(view)
    return out.getvalue()


def test_one_project_has_the_same_figures_in_every_command_in_the_report_and_in_the_card(
    summary: ProjectSummary,
) -> None:
    outcome = by_gate(SAME)
    thresholded, top_1, clip, majority = (
        percent(share)
        for share in (outcome.window_accuracy(THRESHOLD), outcome.window_accuracy(), outcome.track_accuracy(), 7 / 13)
    )
    assert len({thresholded, top_1, clip, majority}) == 4  # so that no figure is taken for another one
    by_window = {"accuracy at threshold 0.6": thresholded, "top-1 accuracy": top_1, "majority baseline": majority}
    shown = {
        "train and test": text_of(score_table("test", [by_client(SAME)]).rich()),
        "evaluate": text_of(evaluation_view(summary.evaluation)),
        "gate": text_of(trial_table(summary.latest("gate")).rich()),
        "report": re.sub(r"<[^>]*>", " ", build_page(summary)),
        "card": re.sub(r"[|*]", " ", model_card(summary)),
    }
    for place, text in shown.items():
        figures = by_window if place == "train and test" else by_window | {"clip accuracy": clip}
        for name, value in figures.items():
            found = set(re.findall(rf"{re.escape(name)}\s+(\d[\d.]* %)", text))
            assert found == {value}, (place, name)


EIGHTHS = st.integers(0, 16).map(lambda n: n / 16)  # exact in binary, so that no rounding decides
CLIPS = st.tuples(st.sampled_from([*LABELS, "jazz"]), st.lists(EIGHTHS, min_size=1, max_size=4).map(tuple))
WINDOWS = st.lists(CLIPS, min_size=1, max_size=6).map(tuple).map(Windows).filter(lambda found: found.known)


@settings(max_examples=60)
@given(WINDOWS)
def test_the_accuracies_and_the_majority_are_the_same_everywhere(found: Windows) -> None:
    client, gate, evaluation, board = by_client(found), by_gate(found), by_evaluation(found), by_verification(found)
    thresholded = gate.window_accuracy(THRESHOLD)
    assert thresholded == pytest.approx(accuracy(found.stored)["accuracyScore"])
    assert thresholded == pytest.approx(share_of_windows(gate.tracks(THRESHOLD)))
    assert [client.thresholded_accuracy, evaluation["thresholded_accuracy"], board["accuracy"]] == pytest.approx(
        [thresholded] * 3
    )
    assert [client.top_1_accuracy, evaluation["window_accuracy"], board["top_1_accuracy"]] == pytest.approx(
        [gate.window_accuracy()] * 3
    )
    assert [evaluation["track_accuracy"], board["track_accuracy"]] == pytest.approx([gate.track_accuracy()] * 2)
    majority = majority_share(map(gate.windows_of, LABELS))
    assert [client.majority, evaluation["majority"], board["majority"]] == pytest.approx([majority] * 3)


@settings(max_examples=60)
@given(WINDOWS)
def test_every_figure_is_about_the_same_windows_and_unknown_labels_are_counted_apart(found: Windows) -> None:
    client, evaluation, board = by_client(found), by_evaluation(found), by_verification(found)
    count = sum(len(windows) for _, windows in found.known)
    assert client.windows == evaluation["windows"] == board["scored_windows"] == count
    unknown = Counter({label: 0 for label, _ in found.clips if label not in LABELS})
    for label, windows in found.clips:
        if label in unknown:
            unknown[label] += len(windows)
    assert dict(client.unknown) == board["unknown_labels"] == dict(unknown)


@settings(max_examples=60)
@given(WINDOWS)
def test_the_confusion_matrix_of_the_test_is_that_of_the_gate(found: Windows) -> None:
    assert by_client(found).confusion == by_gate(found).confusion(THRESHOLD)
