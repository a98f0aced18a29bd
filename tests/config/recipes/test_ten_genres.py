"""The recipe of the board for ten genres: limits, colours, and its training script, run as by the studio."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np

from ei_toolkit.config.palette import LED_COLOURS
from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.config.settings import COLOURS
from ei_toolkit.eon.check import check_model
from ei_toolkit.impulse.features import feature_count
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.training.request import TrainRequest
from ei_toolkit.training.train import train

FRAMES, BANDS, LABELS = 38, 48, 10


def windows(n: int, seed: int) -> tuple[np.ndarray, list[int]]:
    """Windows of ten labels, which differ in the band that is loudest."""
    labels = np.arange(n) % LABELS
    features = np.random.default_rng(seed).normal(0.4, 0.1, (n, FRAMES, BANDS))
    for row, label in enumerate(labels):
        features[row, :, 4 * label : 4 * label + 8] += 0.4
    return np.clip(features, 0, 1).reshape(n, -1).astype(np.float32), labels.tolist()


def test_each_label_has_a_colour_of_its_own_and_blue_is_for_uncertain() -> None:
    settings, _ = load_recipe("ten-genres")
    assert sorted(settings.board.colours) == sorted(settings.project.labels)
    assert sorted(settings.board.colours.values()) == sorted(set(LED_COLOURS) - {"blue"})
    assert tuple(LED_COLOURS) == COLOURS


def lab(light: tuple[int, int, int]) -> np.ndarray:
    """CIE Lab of the light of an LED, which is proportional to its duty cycle (sRGB primaries, white D65)."""
    primaries = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = primaries @ np.array(light) / 255 / (0.9505, 1, 1.089)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_the_colours_of_the_led_are_distinguishable() -> None:
    distances = {
        (a, b): np.linalg.norm(lab(LED_COLOURS[a]) - lab(LED_COLOURS[b])) for a, b in combinations(LED_COLOURS, 2)
    }
    assert min(distances.values()) >= 30, min(distances, key=lambda pair: distances[pair])


def test_the_script_trains_a_network_within_the_limits_of_the_board(tmp_path: Path) -> None:
    settings, script = load_recipe("ten-genres")
    assert feature_count(settings) == FRAMES * BANDS
    features, labels = windows(200, seed=1)
    names = settings.project.labels
    request = TrainRequest(
        features, labels, names, tmp_path, script=script, epochs=8, learning_rate=0.01, batch_size=20
    )
    model = train(request, lambda _line: None).files.int8
    assert model
    unseen, actual = windows(50, seed=2)
    assert np.mean(Interpreter(model.read_bytes()).predict(unseen).argmax(axis=1) == actual) > 0.5
    cost = check_model(model.read_bytes()).cost
    assert cost
    assert cost.instructions <= 1_500_000
    assert cost.arena_bytes <= 24 * 1024
    assert cost.fits[0].flash_bytes <= 60 * 1024
