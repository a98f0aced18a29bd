"""Files of scores of clips: found by the names of the clips, and refused where they do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.compression.clip_scores import ClipScores
from ei_toolkit.errors import DataError

SCORES = ClipScores(("a.0", "b.1"), ("rock", "jazz"), np.array([[0.9, 0.1], [0.2, 0.8]], np.float32))


def test_the_scores_of_a_clip_are_found_by_its_path_its_name_or_its_stem() -> None:
    clips = ("a.0", "rock/a.0", "rock/a.0.wav", "new.wav")
    found = SCORES.of(clips, ("jazz", "rock"), np.array([True, True, True, False]))
    np.testing.assert_allclose(found, [[0.1, 0.9]] * 3 + [[0.5, 0.5]])


def test_scores_of_other_labels_or_clips_are_refused() -> None:
    with pytest.raises(DataError, match="the scores of the teacher are of rock, jazz"):
        SCORES.of(("a.0",), ("jazz", "metal"), np.array([True]))
    with pytest.raises(DataError, match=r"the teacher has no scores of new\.wav"):
        SCORES.of(("a.0", "new.wav"), ("jazz", "rock"), np.array([True, True]))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"scores": None}, "has no scores of clips"),
        ({"scores": np.ones((2, 3))}, r"the scores in .* are float64 \(2, 3\)"),
        ({"scores": np.ones((2, 2))}, "are no probabilities"),
        ({"scores": np.array([[np.nan, 1], [0, 1]])}, "are no probabilities"),
        ({"scores": np.array([[-1.0, 2], [0, 1]])}, "are no probabilities"),
        ({"clips": np.array([{}, []], object)}, "has no scores of clips"),
    ],
)
def test_a_file_without_scores_is_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    arrays = {"clips": ["a", "b"], "labels": ["x", "y"], "scores": np.full((2, 2), 0.5)} | changed
    np.savez(tmp_path / "s.npz", **{name: value for name, value in arrays.items() if value is not None})
    with pytest.raises(DataError, match=message):
        ClipScores.read(tmp_path / "s.npz")
