"""Training end to end on small data: real TensorFlow, real conversion, real reference kernels."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ei_toolkit.config.recipes.write import script_text
from ei_toolkit.errors import ConfigurationError, DataError
from ei_toolkit.impulse import feature_rows
from ei_toolkit.impulse.feature_rows import collected, is_in_file
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.training.request import TrainOutcome, TrainRequest
from ei_toolkit.training.train import train

RequestFor = Callable[..., TrainRequest]

SCRIPT = """
import tensorflow as tf
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import Dense
from tensorflow.keras.optimizers.legacy import Adam
EPOCHS = args.epochs or 30
BATCH_SIZE = args.batch_size or 32
train_dataset = train_dataset.batch(BATCH_SIZE, drop_remainder=False)
validation_dataset = validation_dataset.batch(BATCH_SIZE, drop_remainder=False)
model = Sequential([tf.keras.Input((input_length,)), Dense(16, activation='relu'),
                    Dense(classes, name='y_pred', activation='softmax')])
callbacks.append(BatchLoggerCallback(BATCH_SIZE, train_sample_count, epochs=EPOCHS, ensure_determinism=False))
model.compile(loss='categorical_crossentropy', optimizer=Adam(learning_rate=0.01), metrics=['accuracy'])
model.fit(train_dataset, epochs=EPOCHS, validation_data=validation_dataset, verbose=2, callbacks=callbacks)
"""


def test_training_writes_models_that_predict_the_labels(request_for: RequestFor) -> None:
    log: list[str] = []
    outcome = train(request_for(), log.append)
    assert outcome.variants["int8"]["accuracy"] > 0.9
    assert outcome.train_windows + outcome.validation_windows == 160
    assert outcome.validation_windows % 10 == 0, "artists are whole"
    assert len(outcome.history["val_accuracy"]) == len(outcome.history["learning_rate"]) == 4
    assert sum("learning_rate: " in line for line in log) == 4
    assert outcome.warnings == ()
    assert "Epoch 3/4" in log
    assert any("val_accuracy:" in line and "- loss:" in line for line in log)
    assert any(line.startswith("Calculating int8 accuracy") for line in log)
    json.dumps({key: value for key, value in vars(outcome).items() if key != "files"})
    model = Interpreter(outcome.files.int8.read_bytes())
    assert model.is_int8
    assert (model.input_size, model.output_size) == (160, 2)
    left = sorted(file.name for file in outcome.files.keras.parent.iterdir())
    assert left == ["model.keras", "model_float32.tflite", "model_int8.tflite"]


@pytest.mark.parametrize("script", ["", SCRIPT])
def test_a_network_is_trained_to_the_targets_instead_of_the_labels(request_for: RequestFor, script: str) -> None:
    wanted = request_for(script=script, int8=False)
    exchanged = np.array([[0.1, 0.9], [0.9, 0.1]], np.float32)[wanted.labels]
    outcome = train(replace(wanted, targets=exchanged), lambda _line: None)
    scores = Interpreter(outcome.files.float32.read_bytes()).predict(wanted.features)
    assert np.mean(scores.argmax(axis=1) == 1 - np.array(wanted.labels)) > 0.9


def test_windows_that_are_given_for_validation_are_the_validation(request_for: RequestFor) -> None:
    """And without int8, only the float32 model is written and measured."""
    outcome = train(request_for(epochs=1, int8=False, validation=[i < 30 for i in range(160)]), lambda _line: None)
    assert outcome.files.int8 is None
    assert set(outcome.variants) == {"float32"}
    assert (outcome.train_windows, outcome.validation_windows) == (130, 30)
    assert sum(map(sum, outcome.variants["float32"]["confusion_matrix"])) == 30


def test_a_label_with_validation_windows_only_cannot_be_trained(request_for: RequestFor) -> None:
    with pytest.raises(DataError, match="two labels") as caught:
        train(request_for(validation=[i % 2 == 0 for i in range(160)]), lambda _line: None)
    assert caught.value.why == "no window of classical"


def test_marks_for_validation_that_do_not_fit_the_windows(request_for: RequestFor) -> None:
    with pytest.raises(DataError, match="3 marks for validation do not fit 160 labels"):
        train(request_for(validation=[True, False, True]), lambda _line: None)


@pytest.fixture
def in_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[TrainRequest], TrainRequest]:
    """Function that moves the features of a request to a file, which is read 50 rows at a time."""

    def move(request: TrainRequest) -> TrainRequest:
        monkeypatch.setattr(feature_rows, "ROWS_AT_ONCE", 50)
        monkeypatch.setattr(feature_rows, "LARGEST_IN_MEMORY_BYTES", 1000)
        features = collected([request.features], request.features.shape[1], tmp_path)
        assert is_in_file(features)
        return replace(request, features=features)

    return move


def model_bytes(outcome: TrainOutcome) -> tuple[bytes, bytes]:
    assert outcome.files.int8 is not None
    return outcome.files.int8.read_bytes(), outcome.files.float32.read_bytes()


def test_the_same_request_gives_the_same_bytes_also_with_features_in_a_file(
    request_for: RequestFor, in_file: Callable[[TrainRequest], TrainRequest]
) -> None:
    policy = {"enabled": True, "warping": True, "freqMasking": "low", "timeMasking": "high", "gaussianNoise": "low"}
    request = request_for(epochs=2, spec_augment=policy)
    models = [model_bytes(train(each, lambda _line: None)) for each in (request, replace(request, seed=8))]
    assert models[0] != models[1]
    assert model_bytes(train(in_file(request), lambda _line: None)) == models[0]


def test_random_numbers_that_other_threads_draw_change_no_model(request_for: RequestFor) -> None:
    request, stop = request_for(epochs=1), threading.Event()

    def draw() -> None:
        while not stop.wait(0.0001):
            random.random()

    expected = model_bytes(train(request, lambda _line: None))
    thread = threading.Thread(target=draw)
    thread.start()
    try:
        assert model_bytes(train(request, lambda _line: None)) == expected
    finally:
        stop.set()
        thread.join()


@pytest.mark.exhaustive
@pytest.mark.parametrize("script", ["example", "robust.py"])
def test_a_script_gives_the_same_model_with_features_in_a_file(
    request_for: RequestFor, in_file: Callable[[TrainRequest], TrainRequest], script: str
) -> None:
    rng = np.random.default_rng(4)
    request = request_for(epochs=2, script=SCRIPT, visual_layers=(), k_folds=2)
    if script != "example":
        features = np.repeat(request.features, 30, axis=1) * rng.random((160, 4800), np.float32)
        request = replace(request, features=features, script=script_text(script))
    before = train(request, lambda _line: None)
    expected = model_bytes(before)
    after = train(in_file(request), lambda _line: None)
    assert model_bytes(after) == expected
    assert (after.folds, after.variants) == (before.folds, before.variants)


def test_a_script_exported_by_studio_trains_unchanged(request_for: RequestFor) -> None:
    log: list[str] = []
    outcome = train(request_for(script=SCRIPT, visual_layers=()), log.append)
    assert outcome.variants["float32"]["accuracy"] > 0.9
    assert "Epoch 4/4" in log
    assert len(outcome.history["val_loss"]) == 4
    assert outcome.history["learning_rate"] == pytest.approx(4 * [0.01])


@pytest.mark.parametrize(
    ("script", "meaning"),
    [
        ("x = 1\ny = 1 / 0\n", "failed in line 2"),
        ("model = = 3", "failed in line 1"),
        ("x = 1", "defines no model"),
        ("import sys\nsys.exit(3)", "failed in line 2"),
    ],
)
def test_the_error_of_a_script_has_its_line(request_for: RequestFor, script: str, meaning: str) -> None:
    with pytest.raises(ConfigurationError, match=meaning):
        train(request_for(script=script), lambda _line: None)


def test_every_fold_is_measured_and_a_last_model_trained(request_for: RequestFor) -> None:
    log: list[str] = []
    outcome = train(request_for(epochs=5, k_folds=2, int8=False), log.append)
    assert len(outcome.folds) == 2
    assert min(outcome.folds) > 0.7
    assert outcome.files.float32.exists()
    assert any(line.startswith("2-fold accuracy") for line in log)


def test_a_collapsed_training_has_a_warning(request_for: RequestFor) -> None:
    request = request_for(epochs=1, learning_rate=1e-9, int8=False)
    noise = np.random.default_rng(0).normal(size=request.features.shape).astype(np.float32)
    outcome = train(replace(request, features=noise), lambda _line: None)
    assert "collapsed to chance" in outcome.warnings[0]


def test_rare_classes_weigh_more_when_asked(request_for: RequestFor) -> None:
    from ei_toolkit.training.fit import class_weights

    request = request_for()
    rare = replace(request, labels=[1 if i % 8 == 0 else 0 for i in range(160)])
    assert class_weights(rare, np.arange(160)) == {0: 160 / (2 * 140), 1: 160 / (2 * 20)}
    outcome = train(replace(request, auto_class_weights=True, int8=False), lambda _line: None)
    assert outcome.variants["float32"]["accuracy"] > 0.9


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"labels": [0] * 160}, DataError),
        ({"labels": [0, 1]}, DataError),
        ({"groups": ["a"]}, DataError),
        ({"targets": np.full((160, 3), 1 / 3, np.float32)}, DataError),
        ({"epochs": 0}, ConfigurationError),
        ({"visual_layers": [], "spec_augment": {"enabled": True, "freqMasking": "low"}}, ConfigurationError),
        ({"features": np.full((160, 160), np.nan, np.float32)}, DataError),
    ],
)
def test_what_cannot_be_trained_is_refused(request_for: RequestFor, changes: dict, error: type[Exception]) -> None:
    with pytest.raises(error):
        train(request_for(**changes), lambda _line: None)
