"""Studio, client, gate, evaluation and verification compute the same figures from the same scores of windows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.board.verify.streamed import VerifiedClip, VerifiedWindow
from ei_toolkit.client.responses import parse_response
from ei_toolkit.client.results import ClassifyMetadata, Evaluation, read_test
from ei_toolkit.evaluation.gate import share_of_windows
from ei_toolkit.evaluation.held_out import HeldOut, Outcome
from ei_toolkit.evaluation.scores import Scores, summarise
from ei_toolkit.impulse.metrics import majority_share
from ei_toolkit.report.board_tables import verification_json
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
