"""Figures are drawn from plain data: each is a PNG of the right size, and shows what it was given."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest

from ei_toolkit.report import figures

RNG = np.random.default_rng(1)
ROW = {"window_accuracy": 0.9, "track_accuracy": 0.95}
EVALUATION = {
    "clean": ROW,
    "conditions": dict.fromkeys(("gain-20", "gain-10", "gain+10", "gain+20", "mic"), ROW),
    "baselines": {"level": {**ROW, "conditions": {"gain-20": {"window_accuracy": 0.5, "track_accuracy": 0.5}}}},
}
DRAWN: dict[str, Callable[[], bytes]] = {
    "spectrograms": lambda: figures.spectrograms({"rock": RNG.random((120, 33)), "blues": RNG.random((120, 33))}, 3.0),
    "learning_curves": lambda: figures.learning_curves(
        {"loss": [1, 0.5], "accuracy": [0.5, 0.9], "val_loss": [1, 0.6]}
    ),
    "confusion_matrix": lambda: figures.confusion_matrix([[9, 1], [0, 0]], ["classical", "rock"]),
    "reliability": lambda: figures.reliability([0, 1] * 50, RNG.dirichlet([1, 1], 100)),
    "likeliest": lambda: figures.likeliest({"a.wav": [("rock", 0.7), ("blues", 0.2)], "b.wav": [("jazz", 0.9)]}),
    "accuracy_by_gain": lambda: figures.accuracy_by_gain({"robust": EVALUATION}),
    "accuracy_by_condition": lambda: figures.accuracy_by_condition(EVALUATION),
}


def pixels(png: bytes) -> np.ndarray:
    from matplotlib.image import imread

    return imread(io.BytesIO(png))


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_a_png_that_is_not_blank(name: str) -> None:
    image = pixels(DRAWN[name]())
    assert image.shape[:2] == (int(figures.HEIGHT * figures.DPI), int(figures.WIDTH * figures.DPI))
    assert image.std() > 0.02


def test_other_data_gives_another_figure_and_the_same_data_the_same_bytes() -> None:
    one = figures.confusion_matrix([[9, 1], [2, 8]], ["a", "b"])
    assert one == figures.confusion_matrix([[9, 1], [2, 8]], ["a", "b"])
    assert one != figures.confusion_matrix([[9, 1], [8, 2]], ["a", "b"])
