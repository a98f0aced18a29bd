"""The request for a training and its outcome: plain data, importable without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.config import TrainingSettings

DEFAULTS = TrainingSettings()


@dataclass(frozen=True)
class TrainRequest:
    """One training of one learn block.

    `features` is (n, f) float32, `labels` n indices into `class_names`, `groups` n keys that validation keeps together
    (empty: none). `visual_layers` are Edge Impulse's layer objects; `script` is a Keras script (expert mode), which
    replaces them unless it is empty. `spec_augment` is Edge Impulse's augmentationPolicySpectrogram.
    `validation` marks the windows that are for validation only, such as the samples of Edge Impulse's category of that
    name; where it is empty, windows are chosen by `validation_fraction`.
    `targets` (n, classes) is what the network is trained to instead of the labels, such as scores of a teacher.
    `columns` is the number of features in a frame, `k_folds` 0 or at least 2. Models are written to `out_dir`.
    """

    features: npt.NDArray[np.float32]
    labels: Sequence[int]
    class_names: Sequence[str]
    out_dir: Path
    groups: Sequence[str] = ()
    visual_layers: Sequence[Mapping[str, Any]] = ()
    script: str = ""
    columns: int = 0
    epochs: int = DEFAULTS.epochs
    learning_rate: float = DEFAULTS.learning_rate
    batch_size: int = DEFAULTS.batch_size
    validation_fraction: float = DEFAULTS.validation
    auto_class_weights: bool = DEFAULTS.auto_class_weights
    spec_augment: Mapping[str, Any] = field(default_factory=dict)
    k_folds: int = 0
    seed: int = DEFAULTS.seed
    int8: bool = DEFAULTS.int8
    validation: Sequence[bool] = ()
    targets: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True)
class ModelFiles:
    """The model files of a training; `int8` is None where none was requested."""

    keras: Path
    float32: Path
    int8: Path | None


@dataclass(frozen=True)
class TrainOutcome:
    """The outcome of a training. Everything but `files` can be written as JSON.

    `variants` maps `float32` and `int8` to {loss, accuracy, confusion_matrix, report, auc} on the validation windows
    (on the training windows where there are none); `history` maps a Keras metric to its value after each epoch;
    `folds` holds the validation accuracy of each fold of a k-fold run. `measured` are the rows of the request that the
    variants were measured on, and `predicted` maps each variant to the predicted class of each of them.
    """

    files: ModelFiles
    history: Mapping[str, list[float]]
    variants: Mapping[str, Mapping[str, Any]]
    parameters: int
    train_windows: int
    validation_windows: int
    seconds: float
    warnings: tuple[str, ...] = ()
    folds: tuple[float, ...] = ()
    measured: Sequence[int] = ()
    predicted: Mapping[str, Sequence[int]] = field(default_factory=dict)
