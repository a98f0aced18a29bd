"""Trainings of a studio in the test's process, without TensorFlow."""

from __future__ import annotations

from typing import Any

import pytest
from tiny_model import classifier

from ei_toolkit.studio.jobs import training
from ei_toolkit.training.request import ModelFiles, TrainOutcome, TrainRequest

FIGURES = {"loss": 0.1, "accuracy": 1.0, "confusion_matrix": [[1, 0], [0, 1]], "report": {}}


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[TrainRequest]:
    """What trainings are asked to do. They end at once with a tiny model: real ones take seconds."""
    received: list[TrainRequest] = []

    def train(request: TrainRequest, _: Any) -> TrainOutcome:
        received.append(request)
        keras, float32 = request.out_dir / "model.keras", request.out_dir / "model_float32.tflite"
        keras.write_bytes(b"keras")
        float32.write_bytes(classifier(request.features.shape[1], len(request.class_names)))
        return TrainOutcome(
            files=ModelFiles(keras, float32, None), variants={"float32": FIGURES},
            history={"loss": [0.5, 0.1]}, parameters=12, train_windows=4, validation_windows=1, seconds=0.1,
            warnings=("w",), measured=[len(request.labels) - 1], predicted={"float32": [0]},
        )  # fmt: skip

    monkeypatch.setattr(training, "train", train)
    return received
