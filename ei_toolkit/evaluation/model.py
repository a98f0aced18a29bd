"""What is evaluated (settings and, in expert mode, their training script), and the training of one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.config import Settings
from ei_toolkit.dataset.cutting import locate_noise
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.features import frame_features
from ei_toolkit.impulse.layers import visual_layers
from ei_toolkit.impulse.spec_augment import policy
from ei_toolkit.training.request import TrainRequest


@dataclass(frozen=True)
class Recipe:
    """Complete settings and the text of their training script ("" for visual layers)."""

    name: str
    settings: Settings
    script: str = ""


def project_recipe(settings: Settings, folder: Path) -> Recipe:
    """Return the recipe of the project in `folder`. Raises ConfigurationError for a missing script."""
    settings = replace(settings, slice=locate_noise(settings.slice, folder))
    if not settings.impulse.script:
        return Recipe(settings.project.name, settings)
    file = folder / settings.impulse.script
    try:
        return Recipe(settings.project.name, settings, file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"the training script {file} cannot be read", why=str(error), hint="Correct [impulse] script."
        ) from None


def with_training(recipe: Recipe, *, epochs: int | None) -> Recipe:
    """Return the recipe with another number of epochs; None changes nothing."""
    if epochs is None:
        return recipe
    training = replace(recipe.settings.training, epochs=epochs)
    return replace(recipe, settings=replace(recipe.settings, training=training))


Log = Callable[[str], None]


@dataclass(frozen=True)
class Material:
    """Training windows: features (n, f), labels and artists."""

    features: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    groups: Sequence[str]


@dataclass(frozen=True)
class Trained:
    """The two variants of one trained model, and the warnings of the training.

    `is_reused` states that the model is from an evaluation that was interrupted.
    """

    int8: bytes
    float32: bytes
    parameters: int
    seconds: float
    warnings: tuple[str, ...]
    is_reused: bool = False


def train_model(recipe: Recipe, names: Sequence[str], material: Material, seed: int, folder: Path, log: Log) -> Trained:
    """Train as the studio does with the recipe's settings; `folder` receives the model files."""
    # loads TensorFlow: only in the worker processes, which train
    from ei_toolkit.training.train import train

    outcome = train(train_request(recipe, names, material, seed, folder), log)
    int8 = outcome.files.int8 or outcome.files.float32
    return Trained(
        int8.read_bytes(),
        outcome.files.float32.read_bytes(),
        outcome.parameters,
        outcome.seconds,
        outcome.warnings,
    )


def train_request(recipe: Recipe, names: Sequence[str], material: Material, seed: int, folder: Path) -> TrainRequest:
    """Return the request for a training with the recipe's settings; `folder` receives the model files."""
    training: Any = recipe.settings.training
    return TrainRequest(
        features=material.features,
        labels=material.labels.tolist(),
        class_names=names,
        out_dir=folder,
        groups=material.groups if training.validation_group else (),
        visual_layers=visual_layers(recipe.settings.impulse.layers),
        script=recipe.script,
        columns=frame_features(recipe.settings),
        epochs=training.epochs,
        learning_rate=training.learning_rate,
        batch_size=training.batch_size,
        validation_fraction=training.validation,
        auto_class_weights=training.auto_class_weights,
        spec_augment=policy(training.spec_augment),
        seed=training.seed + seed,
        int8=training.int8,
    )
