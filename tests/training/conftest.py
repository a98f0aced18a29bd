"""Two kinds of small spectrograms that a network learns to classify in seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.training.request import TrainRequest

FRAMES, BANDS = 20, 8
LAYERS = (
    {"type": "reshape", "columns": BANDS},
    {"type": "conv2d", "neurons": 4, "kernelSize": 3, "stack": 1},
    {"type": "dropout", "dropoutRate": 0.1},
    {"type": "flatten"},
)


@pytest.fixture
def request_for(tmp_path: Path) -> Callable[..., TrainRequest]:
    """A request on 160 windows of 16 groups: rising energy against falling energy over the bands."""

    def make(**changes: Any) -> TrainRequest:
        rng = np.random.default_rng(3)
        labels = np.arange(160) % 2
        slope = np.where(labels[:, None, None] == 1, 1, -1) * np.linspace(-0.5, 0.5, BANDS)
        features = (1 + slope + rng.normal(0, 0.4, (160, FRAMES, BANDS))).reshape(160, -1).astype(np.float32)
        settings: dict[str, Any] = {
            "features": features,
            "labels": labels.tolist(),
            "class_names": ("classical", "rock"),
            "groups": [f"artist {i // 10}" for i in range(160)],
            "visual_layers": LAYERS,
            "epochs": 4,
            "learning_rate": 0.005,
            "out_dir": tmp_path / "out",
        }
        return TrainRequest(**(settings | changes))

    return make
