"""One model of an evaluation: the training that the studio runs, on the windows of one fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit import dsp
from ei_toolkit.config import Settings
from ei_toolkit.learn.evaluate.recipe import Recipe
from ei_toolkit.learn.request import TrainRequest
from ei_toolkit.learn.visual import visual_layers

Log = Callable[[str], None]
# What [training] spec_augment asks of a studio.
SPEC_AUGMENT = {"enabled": True, "warping": False, "freqMasking": "low", "timeMasking": "low", "gaussianNoise": "low"}


@dataclass(frozen=True)
class Material:
    """Training windows: features (n, f), labels and artists."""

    features: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    groups: Sequence[str]


@dataclass(frozen=True)
class Trained:
    """The two variants of one trained model, and what training had to say."""

    int8: bytes
    float32: bytes
    parameters: int
    seconds: float
    warnings: tuple[str, ...]


def train_model(recipe: Recipe, names: Sequence[str], material: Material, seed: int, folder: Path, log: Log) -> Trained:
    """Train as the studio would with the recipe's settings, and read the models back from `folder`."""
    from ei_toolkit.learn.train import train

    outcome = train(_request(recipe, names, material, seed, folder), log)
    int8 = outcome.files.int8 or outcome.files.float32
    return Trained(
        int8.read_bytes(),
        outcome.files.float32.read_bytes(),
        outcome.parameters,
        outcome.seconds,
        outcome.warnings,
    )


def columns_of(settings: Settings) -> int:
    """Features of a frame of the first processing block."""
    block, cut = settings.impulse.dsp[0], settings.slice
    samples = cut.sample_rate * cut.window_ms // 1000
    return dsp.output_shape(block.type, samples, cut.sample_rate, block.implementation_version, **block.params)[1]


def _request(recipe: Recipe, names: Sequence[str], material: Material, seed: int, folder: Path) -> TrainRequest:
    training: Any = recipe.settings.training
    return TrainRequest(
        features=material.features,
        labels=material.labels.tolist(),
        class_names=names,
        out_dir=folder,
        groups=material.groups if training.validation_group else (),
        visual_layers=visual_layers(recipe.settings.impulse.layers),
        script=recipe.script,
        columns=columns_of(recipe.settings),
        epochs=training.epochs,
        learning_rate=training.learning_rate,
        batch_size=training.batch_size,
        validation_fraction=training.validation,
        auto_class_weights=training.auto_class_weights,
        spec_augment=SPEC_AUGMENT if training.spec_augment else {},
        seed=training.seed + seed,
        int8=training.int8,
    )
