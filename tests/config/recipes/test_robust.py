"""The training script that ships, run as the studio runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.training.request import TrainRequest
from ei_toolkit.training.train import train

FRAMES, BANDS = 120, 40


def windows(n: int, seed: int) -> tuple[np.ndarray, list[int]]:
    """Steady bands against a beat: what differs is movement in time, not tone or loudness."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    beat = (np.arange(FRAMES) % 12 < 3) * 0.3
    tone = rng.normal(0.5, 0.08, (n, 1, BANDS))
    features = tone + labels[:, None, None] * beat[:, None] + rng.normal(0, 0.03, (n, FRAMES, BANDS))
    return np.clip(features, 0, 1).reshape(n, -1).astype(np.float32), labels.tolist()


def test_the_script_trains_a_small_int8_model_that_hears_a_beat(tmp_path: Path) -> None:
    settings, script = load_recipe("robust")
    features, labels = windows(240, seed=1)
    request = TrainRequest(
        features, labels, ("classical", "rock"), tmp_path, script=script, epochs=6, learning_rate=0.003
    )
    log: list[str] = []
    outcome = train(request, log.append)
    assert outcome.parameters <= 9000
    assert any(line.startswith("Epoch 6/6") for line in log)
    unseen, truth = windows(60, seed=2)
    said = Interpreter(outcome.files.int8.read_bytes()).predict(unseen).argmax(axis=1)
    assert np.mean(said == truth) > 0.95
    assert settings.slice.level == "rms"


def test_two_trainings_give_the_same_bytes(tmp_path: Path) -> None:
    features, labels = windows(64, seed=1)
    models = []
    for name in ("one", "two"):
        request = TrainRequest(
            features, labels, ("classical", "rock"), tmp_path / name, script=load_recipe("robust")[1], epochs=2
        )
        models.append(train(request, lambda _line: None).files.int8.read_bytes())
    assert models[0] == models[1]
