"""The steps of a compression as functions that a worker process runs. Each loads TensorFlow there, and nowhere else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from ei_toolkit.compression.request import CompressionData, CompressionPlan, Variant
from ei_toolkit.evaluation.model import Material, Recipe, train_request


def train_network(recipe: Recipe, data: CompressionData, teacher_weight: float, folder: Path) -> Path:
    """Train the network of a recipe on the training windows; return its .keras file in `folder`.

    If there is a teacher, its scores have the share `teacher_weight` of what the network is trained to.
    """
    from ei_toolkit.training.train import train  # loads TensorFlow

    rows = np.flatnonzero(~data.testing)
    material = Material(data.features[rows], data.labels[rows], [data.groups[row] for row in rows])
    request = train_request(recipe, data.names, material, 0, folder)
    request = replace(request, int8=False, targets=data.training_targets(teacher_weight))
    return train(request, lambda _line: None).files.keras


def make_variant(model: Path, data: CompressionData, plan: CompressionPlan, name: str) -> tuple[Variant, bytes]:
    """Make and measure one variant of a .keras network: a method of the plan, or `float32`, which changes nothing."""
    from ei_toolkit.training.import_tensorflow import import_tensorflow

    import_tensorflow()
    from ei_toolkit.compression.run import variant  # imports Keras

    return variant(model, data, plan, name)


def write_variant(folder: Path, name: str, tflite: bytes, network: Path | None = None) -> None:
    """Write the .tflite of a variant into a folder, and for the first one the .keras file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.tflite").write_bytes(tflite)
    if network:
        shutil.copyfile(network, folder / "network.keras")
