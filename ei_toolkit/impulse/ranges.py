"""Ranges of training parameters: the same for eitk.toml, the client, the studio and the training itself."""

from __future__ import annotations

from dataclasses import dataclass

from ei_toolkit.errors import ConfigurationError


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; `above` and `below` exclude the limits, `whole` excludes fractions."""

    low: float
    high: float
    above: bool = False
    below: bool = False
    whole: bool = False

    def __contains__(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if not (self.low < value if self.above else self.low <= value):
            return False
        if not (value < self.high if self.below else value <= self.high):
            return False
        return not self.whole or isinstance(value, int) or value.is_integer()

    def __str__(self) -> str:
        if self.whole:
            return f"a whole number from {self.low} to {self.high}"
        low, high = "above" if self.above else "at least", "below" if self.below else "at most"
        return f"{low} {self.low:g} and {high} {self.high:g}"


@dataclass(frozen=True)
class TrainingParameter:
    """One parameter: its name in [training] of eitk.toml, its name in Edge Impulse's API, and its range."""

    name: str
    api_name: str
    range: Range


VALIDATION = TrainingParameter("validation", "trainTestSplit", Range(0, 1, below=True))  # 0: no validation windows
SEEDS = Range(0, 2**32 - 1, whole=True)  # what NumPy and Keras accept
SEED = TrainingParameter("seed", "customParameters.seed", SEEDS)
TRAINING_PARAMETERS = (
    TrainingParameter("epochs", "trainingCycles", Range(1, 10_000, whole=True)),
    TrainingParameter("learning_rate", "learningRate", Range(0, 1, above=True)),
    TrainingParameter("batch_size", "batchSize", Range(1, 4096, whole=True)),
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
            key = f"training.{parameter.name}"
            raise ConfigurationError(
                f"{key} = {value} is out of range: {parameter.range}", hint=f"Set {key}: {parameter.range}."
            )
