"""Epochs are found in logs of Keras with one line or with a progress bar for each epoch."""

from __future__ import annotations

import pytest

from ei_toolkit.client.jobs.epochs import Epoch, Epochs
from ei_toolkit.client.jobs.wait import TrainingProgress, after

BRIEF = """Epoch 1/3
10/10 - 1s - loss: 0.5000 - accuracy: 0.7500 - val_loss: 0.6000 - val_accuracy: 0.7000
Epoch 2/3
10/10 - 1s - loss: 0.5000 - accuracy: 0.7500 - val_loss: 0.6000 - val_accuracy: 0.7000
Epoch 3/3
10/10 - 1s - loss: 0.2500 - accuracy: 0.8750 - val_loss: 0.5000 - val_accuracy: 0.8000
Converting TensorFlow Lite float32 model...
"""
BAR = """Epoch 1/2
 1/10 - loss: 0.9 - accuracy: 0.5
10/10 - loss: 0.5 - accuracy: 0.75
Epoch 2/2
 1/10 - loss: 0.4 - accuracy: 0.8
10/10 - loss: 0.25 - accuracy: 0.875
"""


def read(log: str) -> tuple[list[Epoch], Epochs]:
    now, found = TrainingProgress(), Epochs()
    ended = []
    for line in log.splitlines():
        now = after(now, line)
        ended.append(found.add(line, now))
    return [epoch for epoch in (*ended, found.end()) if epoch], found


def test_each_epoch_ends_once_also_if_its_values_are_those_of_the_one_before() -> None:
    ended, found = read(BRIEF)
    assert [epoch.number for epoch in ended] == [1, 2, 3]
    assert ended[2].values == {"loss": 0.25, "accuracy": 0.875, "val_loss": 0.5, "val_accuracy": 0.8}
    assert found.history["val_accuracy"] == [0.7, 0.7, 0.8]


def test_the_last_values_of_an_epoch_count() -> None:
    ended, _ = read(BAR)
    assert ended == [Epoch(1, {"loss": 0.5, "accuracy": 0.75}), Epoch(2, {"loss": 0.25, "accuracy": 0.875})]


@pytest.mark.parametrize(
    "log", ["", "Generating features\n", "Epoch 1/3\n", "Calculating float32 accuracy\nloss: 0.5\n"]
)
def test_a_log_without_values_of_an_epoch_has_none(log: str) -> None:
    assert read(log)[0] == []
