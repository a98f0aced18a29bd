from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ei_toolkit.config import DatasetSettings, Settings, SliceSettings

Write = Callable[..., Path]


@pytest.fixture
def write_clip() -> Write:
    """Function that writes a clip of noise: write_clip(path, seconds=4, seed=0)."""

    def write(path: Path, seconds: float = 4.0, seed: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = 0.2 * np.random.default_rng(seed).standard_normal(round(8000 * seconds))
        soundfile.write(path, samples, 8000)
        return path

    return write


@pytest.fixture
def clips(tmp_path: Path, write_clip: Write) -> Path:
    """Two labels of five clips of 4 s at 8 kHz."""
    for number in range(10):
        label = "rock" if number % 2 else "klassik für alle 🎻"
        write_clip(tmp_path / "clips" / label / f"stück {number}.wav", seed=number)
    return tmp_path / "clips"


@pytest.fixture
def settings() -> Settings:
    """Windows of 1 s every 1 s at 8 kHz from the folder `clips`."""
    return Settings(dataset=DatasetSettings(root="clips"), slice=SliceSettings(8000, 1000, 1000))
