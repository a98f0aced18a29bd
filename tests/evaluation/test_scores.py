from __future__ import annotations

import numpy as np
import pytest

from ei_toolkit.evaluation.scores import Scores, accuracies, summarise, track_interval, track_scores


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
