"""The training script of the recipe `robust`, run as by the studio."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.training.fit import run_script
from ei_toolkit.training.request import TrainOutcome, TrainRequest
from ei_toolkit.training.train import train

FRAMES, BANDS = 120, 40


def windows(n: int, seed: int) -> tuple[np.ndarray, list[int]]:
    """Windows with steady bands, and windows with a beat: they differ over time, not in tone or level."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    beat = (np.arange(FRAMES) % 12 < 3) * 0.3
    tone = rng.normal(0.5, 0.08, (n, 1, BANDS))
    features = tone + labels[:, None, None] * beat[:, None] + rng.normal(0, 0.03, (n, FRAMES, BANDS))
    return np.clip(features, 0, 1).reshape(n, -1).astype(np.float32), labels.tolist()


def beat_request(folder: Path) -> TrainRequest:
    features, labels = windows(240, seed=1)
    script = load_recipe("robust")[1]
    return TrainRequest(features, labels, ("classical", "rock"), folder, script=script, epochs=6, learning_rate=0.003)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainOutcome, list[str]]:
    """A training on windows with and without a beat, and its log."""
    log: list[str] = []
    return train(beat_request(tmp_path_factory.mktemp("robust")), log.append), log


def test_the_script_trains_a_small_int8_model_that_recognises_a_beat(trained: tuple[TrainOutcome, list[str]]) -> None:
    outcome, log = trained
    assert outcome.parameters <= 9000
    assert any(line.startswith("Epoch 6/6") for line in log)
    unseen, actual = windows(60, seed=2)
    predicted = Interpreter(outcome.files.int8.read_bytes()).predict(unseen).argmax(axis=1)
    assert np.mean(predicted == actual) > 0.95
    assert load_recipe("robust")[0].slice.level == "rms"


def test_two_trainings_give_the_same_bytes(trained: tuple[TrainOutcome, list[str]], tmp_path: Path) -> None:
    again = train(beat_request(tmp_path), lambda _line: None)
    assert again.files.int8.read_bytes() == trained[0].files.int8.read_bytes()


def test_batches_of_one_window_train(tmp_path: Path) -> None:
    """Such a batch often has no window that is augmented."""
    features, labels = windows(12, seed=1)
    request = TrainRequest(
        features, labels, ("classical", "rock"), tmp_path, script=load_recipe("robust")[1], epochs=1,
        batch_size=1, learning_rate=0.003, validation_fraction=0.2, int8=False,
    )  # fmt: skip
    assert np.isfinite(train(request, lambda _line: None).history["loss"]).all()


def test_each_augmentation_accepts_no_window_at_all() -> None:
    import tensorflow as tf

    features, labels = windows(4, seed=1)
    dataset = tf.data.Dataset.from_tensor_slices((features, np.eye(2, dtype=np.float32)[labels]))
    left = run_script(
        load_recipe("robust")[1],
        {
            "args": SimpleNamespace(epochs=1, learning_rate=0.003, batch_size=4, seed=7),
            "callbacks": [],
            "classes": 2,
            "input_length": FRAMES * BANDS,
            "train_dataset": dataset,
            "train_sample_count": 4,
            "validation_dataset": dataset,
        },
    )
    empty = np.empty((0, FRAMES, BANDS), np.float32)
    for change in ("augmented", "overdriven", "echoing", "noisy", "masked"):
        assert left[change](empty).shape == empty.shape
