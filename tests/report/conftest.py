"""Small projects to report on: one with settings alone, one with clips that were cut into windows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ei_toolkit.config import Config, load_config
from ei_toolkit.dataset.slicing import slice_clips
from ei_toolkit.recipes import write_recipe

RATE, SECONDS, CLIPS = 16_000, 6, 8


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Config]:
    """Configuration of a project in a new folder; flags as in `Environment.config`, with dots."""

    def make(**flags: object) -> Config:
        if not (tmp_path / "eitk.toml").exists():
            write_recipe("robust", tmp_path, clips=None, name=None, force=False)
        return load_config(tmp_path, {}, {key.replace("__", "."): value for key, value in flags.items()})

    return make


@pytest.fixture
def sliced(tmp_path: Path) -> Config:
    """A project of eight clips a label (a low and a high hum in noise, each its own artist), cut into windows."""
    random = np.random.default_rng(5)
    time = np.arange(RATE * SECONDS) / RATE
    for label, pitch in (("classical", 220), ("rock", 1760)):
        (tmp_path / "clips" / label).mkdir(parents=True)
        for i in range(CLIPS):
            sound = 0.2 * np.sin(2 * np.pi * (pitch + 20 * i) * time) + 0.05 * random.standard_normal(len(time))
            soundfile.write(tmp_path / "clips" / label / f"{label}.{i}.wav", sound, RATE)
    write_recipe("robust", tmp_path, clips=tmp_path / "clips", name=None, force=False)
    config = load_config(tmp_path, {})
    slice_clips(config.settings, tmp_path, config.paths.windows, 1, lambda _done, _note: None)
    return config
