from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.config import Settings
from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.evaluation.model import Recipe, Trained
from ei_toolkit.evaluation.run import ClipPredictions, Fold, Plan, Run
from ei_toolkit.evaluation.scores import (
    BASELINES,
    Scores,
    accuracies,
    outcome,
    summarise,
    track_interval,
    track_scores,
)


def scores_of(rows: list[tuple[str, str, int, float]], apart: int = 1) -> Scores:
    """Rows of (clip, artist, actual, probability of rock)."""
    clips, groups, actual, rock = zip(*rows, strict=True)
    p = np.array(rock)
    return Scores(
        ("classical", "rock"), np.array(clips), np.array(groups), np.array(actual), np.stack([1 - p, p], 1), apart
    )


SCORES = scores_of(
    [
        ("rock/1", "queen", 1, 0.9), ("rock/1", "queen", 1, 0.4), ("rock/1", "queen", 1, 0.8),
        ("rock/2", "sting", 1, 0.45), ("rock/2", "sting", 1, 0.45), ("rock/2", "sting", 1, 0.51),
        ("classical/1", "bach", 0, 0.1), ("classical/1", "bach", 0, 0.2), ("classical/1", "bach", 0, 0.3),
    ]
)  # fmt: skip


def test_the_label_of_a_track_is_predicted_by_the_mean_of_its_windows() -> None:
    assert accuracies(SCORES) == {"window_accuracy": 6 / 9, "thresholded_accuracy": 5 / 9, "track_accuracy": 2 / 3}
    first, second, third = track_scores(SCORES)
    assert (first.clip, first.predicted, first.windows_right) == ("rock/1", "rock", 2)
    assert (second.predicted, second.label) == ("classical", "rock")
    assert third.probabilities == pytest.approx((0.8, 0.2))


def test_the_summary_names_the_worst_artist_and_counts_windows_tracks_and_artists() -> None:
    summary = summarise(SCORES)
    assert summary["worst_artist"] == {"artist": "sting", "window_accuracy": 1 / 3}
    assert (summary["windows"], summary["tracks"], summary["artists"]) == (9, 3, 3)
    assert summary["confusion_matrix"] == [[3, 0], [3, 3]]
    assert summary["recall"] == {"classical": 1.0, "rock": 0.5}
    assert {label: row["recall"] for label, row in summary["by_label"].items()} == summary["recall"]
    assert {label: row["support"] for label, row in summary["by_label"].items()} == summary["windows_by_label"]
    assert summary["windows_by_label"] == {"classical": 3, "rock": 6}
    assert summary["majority"] == 6 / 9


def test_three_windows_together_do_not_overlap() -> None:
    rows = [("rock/1", "queen", 1, p) for p in (0.9, 0.1, 0.9, 0.1, 0.9)]
    assert summarise(scores_of(rows, apart=1))["three_window_accuracy"] == pytest.approx(2 / 3)
    assert summarise(scores_of(rows, apart=2))["three_window_accuracy"] == 1.0


def test_the_interval_draws_whole_artists() -> None:
    """Ten tracks of one artist, all wrong, and one correct track each of four others."""
    rows = [(f"rock/{i}", "one", 1, 0.1) for i in range(10)] + [(f"rock/{i}", f"{i}", 1, 0.9) for i in range(10, 14)]
    low, high = track_interval(track_scores(scores_of(rows)), seed=1)
    assert low < 0.15
    assert high == 1.0


def test_an_accuracy_of_one_has_an_interval_of_one() -> None:
    rows = [(f"rock/{i}", f"artist {i}", 1, 0.99) for i in range(6)]
    assert track_interval(track_scores(scores_of(rows)), seed=1) == (1.0, 1.0)


def test_with_three_labels_the_two_most_probable_are_counted() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
    names = np.array(["a", "b", "c"])
    three = Scores(("blues", "jazz", "rock"), names, names, np.array([0, 1, 2]), probabilities)
    assert summarise(three)["top_2_accuracy"] == pytest.approx(2 / 3)
    assert accuracies(three)["window_accuracy"] == pytest.approx(1 / 3)


WINDOWS = st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 8).map(lambda n: n / 8))


@settings(max_examples=40)
@given(st.lists(WINDOWS, min_size=1, max_size=12))
def test_clips_are_listed_in_order_of_appearance_with_the_mean_of_their_windows(
    windows: list[tuple[int, int, float]],
) -> None:
    """The label of a clip is that of its number; its windows may be anywhere in the list."""
    rows = [(f"{clip}.wav", f"a{clip % 2}", clip % 2, rock) for clip, _, rock in windows]
    found = track_scores(scores_of(rows))
    assert [track.clip for track in found] == list(dict.fromkeys(clip for clip, *_ in rows))
    for track in found:
        own = [rock for clip, _, _, rock in rows if clip == track.clip]
        assert track.windows == len(own)
        assert track.probabilities == pytest.approx((1 - sum(own) / len(own), sum(own) / len(own)))
        expected = sum((rock > 0.5) if track.label == "rock" else (rock <= 0.5) for rock in own)
        assert track.windows_right == expected


def test_a_clip_with_fewer_than_three_windows_counts_window_by_window() -> None:
    rows = [("rock/1", "queen", 1, 0.9), ("rock/1", "queen", 1, 0.1)]
    assert summarise(scores_of(rows))["three_window_accuracy"] == 0.5


def test_the_same_seed_gives_the_same_interval() -> None:
    rows = [(f"rock/{i}", f"{i % 5}", 1, 0.9 if i % 3 else 0.2) for i in range(20)]
    tracks = track_scores(scores_of(rows))
    assert track_interval(tracks, seed=1) == track_interval(tracks, seed=1)
    low, high = track_interval(tracks, seed=1)
    assert low <= sum(track.predicted == track.label for track in tracks) / len(tracks) <= high


def test_one_artist_has_an_interval_without_width() -> None:
    rows = [("rock/1", "queen", 1, 0.9), ("rock/2", "queen", 1, 0.2)]
    assert track_interval(track_scores(scores_of(rows)), seed=1) == (0.5, 0.5)


def evaluated(seeds: list[np.ndarray], **changes: Any) -> Run:
    """An evaluation of two clips of two windows; each seed has the probabilities of `rock` for all four windows."""
    cut = replace(Settings().slice, window_ms=3000, hop_ms=1500)
    clips = [
        KnownClip(Clip(Path(label), f"{label}/1.wav", label), label, f"artist of {label}", None)
        for label in ("classical", "rock")
    ]
    plan = Plan(Recipe("r", replace(Settings(), slice=cut)), clips, "clip", len(seeds), ("mic",))
    predictions = []
    for seed, rock in enumerate(seeds):
        for clip in range(2):
            own = rock[2 * clip : 2 * clip + 2]
            probabilities = np.stack([1 - own, own], axis=1)
            names = ["clean", "mic", *(f"{b} {c}" for b in BASELINES for c in ("clean", "mic"))]
            found = dict.fromkeys(names, probabilities) | changes
            predictions.append(ClipPredictions(clip, seed, np.arange(2), found))
    trained = Trained(b"", b"", 100, 1.5, ("the training collapsed",))
    folds = [Fold(seed, 0, trained, None) for seed in range(len(seeds))]  # type: ignore[arg-type]
    return Run(plan, folds, predictions)


def test_figures_are_the_mean_over_the_seeds_and_clips_those_of_the_first() -> None:
    right, wrong = np.array([0.1, 0.2, 0.9, 0.8]), np.array([0.9, 0.8, 0.1, 0.2])
    data = outcome(evaluated([right, wrong]), "clip")
    assert data["clean"]["window_accuracy"] == 0.5
    assert data["conditions"]["mic"]["track_accuracy"] == 0.5
    assert data["clean"]["confusion_matrix"] == [[2, 0], [0, 2]]
    assert [track["predicted"] for track in data["tracks"]] == ["classical", "rock"]
    assert (data["seeds"], data["protocol"], data["labels"]) == (2, "clip", ["classical", "rock"])
    assert [model["seed"] for model in data["models"]] == [0, 1]
    assert data["models"][0]["warnings"] == ["the training collapsed"]


def test_the_loss_of_quantisation_is_float32_minus_int8() -> None:
    right = np.array([0.1, 0.2, 0.9, 0.8])
    half = np.stack([np.array([0.9, 0.1]), np.array([0.1, 0.9])])
    data = outcome(evaluated([right], float32=half), "clip")
    assert data["float32"]["window_accuracy"] == 0.5
    assert data["int8_drop"] == -0.5
    assert outcome(evaluated([right]), "clip")["int8_drop"] is None


def test_baselines_have_the_same_figures_under_the_same_conditions() -> None:
    data = outcome(evaluated([np.array([0.1, 0.6, 0.9, 0.8])]), "clip")
    for name in BASELINES:
        assert data["baselines"][name]["window_accuracy"] == 0.75
        assert data["baselines"][name]["conditions"]["mic"]["track_accuracy"] == 1.0
