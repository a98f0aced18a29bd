from __future__ import annotations

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.client.jobs.wait import TrainingProgress, after

KERAS = """\
Training on 210 windows, validating on 42
Epoch 1/6
7/7 - 3s - 458ms/step - accuracy: 0.5333 - loss: 0.6149 - val_accuracy: 1.0000 - val_loss: 0.3431
Epoch 2/6
7/7 - 1s - 133ms/step - accuracy: 0.9571 - loss: 3.3e-01 - val_accuracy: 0.9 - val_loss: 0.2686
""".splitlines()


def read(lines: list[str]) -> TrainingProgress:
    return reduce(after, lines, TrainingProgress())


def test_epochs_and_metrics_are_read_from_the_output_of_keras() -> None:
    assert read(KERAS) == TrainingProgress("training", 2, 6, 0.33, 0.9571, 0.2686, 0.9)
    assert read(KERAS).text == "epoch 2/6 · loss 0.330 · accuracy 95.7% · validation 90.0%"


@pytest.mark.parametrize(
    ("line", "phase"),
    [
        ("Converting TensorFlow Lite int8 quantized model...", "quantising to int8"),
        ("Converting TensorFlow Lite float32 model...", "converting to float32"),
        ("Calculating int8 accuracy...", "testing int8"),
        ("Profiling 20% done", "profiling"),
    ],
)
def test_phases_after_training_are_named(line: str, phase: str) -> None:
    assert read([*KERAS, line]).text == phase


@given(st.text())
def test_every_line_is_accepted(line: str) -> None:
    assert after(read(KERAS), line).epochs >= 0


@pytest.mark.parametrize("line", ["loss: 1e- accuracy: 0.5", "loss: . accuracy: 0.5", "loss: nan accuracy: 0.5"])
def test_a_figure_that_is_not_a_number_leaves_the_one_before_it(line: str) -> None:
    progress = after(read(KERAS), line)
    assert (progress.loss, progress.accuracy) == (0.33, 0.5)


def test_figures_after_the_training_belong_to_another_phase() -> None:
    progress = read([*KERAS, "Calculating int8 accuracy...", "accuracy: 0.1 - loss: 9.0"])
    assert (progress.accuracy, progress.loss) == (0.9571, 0.33)


def test_before_the_first_figure_only_the_epoch_is_shown() -> None:
    assert read(["Epoch 3/30"]).text == "epoch 3/30"
    assert read(["anything"]).text == ""
