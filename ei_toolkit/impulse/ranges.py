"""Ranges of parameters of a training and of layers: the same for eitk.toml, the client, the studio and the training."""

from __future__ import annotations

from dataclasses import dataclass

from ei_toolkit.config.ranges import Range, out_of_range
from ei_toolkit.config.setting import range_of
from ei_toolkit.config.settings import TrainingSettings


@dataclass(frozen=True)
class TrainingParameter:
    """One parameter: its name in [training] of eitk.toml, its name in Edge Impulse's API, and its range."""

    name: str
    api_name: str
    range: Range


def _parameter(name: str, api_name: str) -> TrainingParameter:
    return TrainingParameter(name, api_name, range_of(TrainingSettings, name))


VALIDATION = _parameter("validation", "trainTestSplit")  # 0: no validation windows
SEED = _parameter("seed", "customParameters.seed")
TRAINING_PARAMETERS = (
    _parameter("epochs", "trainingCycles"),
    _parameter("learning_rate", "learningRate"),
    _parameter("batch_size", "batchSize"),
    VALIDATION,
    SEED,
)
FOLDS = Range(2, 100, whole=True)
LAYER_SIZE = Range(1, 4096, whole=True)  # neurons or columns; a larger layer is a mistake, not a model for a board
DROPOUT_RATE = Range(0, 1, below=True)


def check_training(*, epochs: int, learning_rate: float, batch_size: int, validation: float, seed: int | None) -> None:
    """Check the parameters of a training. A seed of None is valid: the studio chooses one.

    Raises ConfigurationError for the first value out of its range, with its key in eitk.toml.
    """
    values = {
        "epochs": epochs,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "validation": validation,
        "seed": 0 if seed is None else seed,
    }
    for parameter in TRAINING_PARAMETERS:
        if (value := values[parameter.name]) not in parameter.range:
            raise out_of_range(f"training.{parameter.name}", value, parameter.range)
