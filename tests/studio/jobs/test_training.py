"""The windows of a training: those of the category training, and those of validation beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ei_toolkit.studio.jobs.features import ComputedFeatures
from ei_toolkit.studio.jobs.training import _with_validation
from ei_toolkit.studio.jobs.windows import WindowInfo
from ei_toolkit.training.request import TrainRequest


def computed(*labels: str) -> ComputedFeatures:
    """One window a label with a feature of its own, of the samples 1, 2, …"""
    windows = [WindowInfo(number, 0.0, 1000.0, label) for number, label in enumerate(labels, 1)]
    return ComputedFeatures(np.arange(len(labels), dtype=np.float32).reshape(-1, 1), windows, 1, 1)


def request(groups: tuple[str, ...] = ()) -> TrainRequest:
    return TrainRequest(np.full((3, 1), 9.0, np.float32), [0, 1, 1], ["a", "b"], Path(), groups=groups)


def test_samples_for_validation_follow_the_training_windows_and_are_marked() -> None:
    joined = _with_validation(request(), [computed("b", "a")], ["a", "b"])
    assert joined.features.ravel().tolist() == [9.0, 9.0, 9.0, 0.0, 1.0]
    assert joined.labels == [0, 1, 1, 1, 0]
    assert joined.validation == [False, False, False, True, True]
    assert joined.groups == []


def test_samples_for_validation_share_no_group_with_training() -> None:
    joined = _with_validation(request(("1", "2", "2")), [computed("b", "a")], ["a", "b"])
    assert joined.groups == ["1", "2", "2", "validation 1", "validation 2"]


def test_the_features_of_several_blocks_are_joined() -> None:
    wide = TrainRequest(np.zeros((1, 2), np.float32), [0], ["a", "b"], Path())
    assert _with_validation(wide, [computed("b"), computed("b")], ["a", "b"]).features.shape == (2, 2)


def test_without_samples_for_validation_the_request_stays_as_it_is() -> None:
    original = request()
    assert _with_validation(original, [], ["a", "b"]) is original
    assert _with_validation(original, [computed()], ["a", "b"]) is original
