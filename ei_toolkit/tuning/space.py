"""The search space of [tune]: the parameters of a candidate, and which of them apply to which block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ei_toolkit.audio.effects.conditions import CONDITIONS
from ei_toolkit.config.ranges import Range
from ei_toolkit.config.tune_settings import Augmentation, Objective, TuneSettings
from ei_toolkit.errors import Fault

Value = str | int | float | bool
Parameters = Mapping[str, Value]

POSITIVE = Range(1, whole=True)
ITEMS: Mapping[str, Range] = {
    "window_ms": POSITIVE,
    "stride": Range(0, 4, above=True),
    "frame_ms": POSITIVE,
    "frame_stride": Range(0, 4, above=True),
    "fft_length": POSITIVE,
    "spectrogram_fft_length": POSITIVE,
    "filters": POSITIVE,
    "coefficients": POSITIVE,
    "noise_floor_db": Range(-200, 0),
    "depth": Range(1, 12, whole=True),
    "width": Range(1, 512, whole=True),
    "growth": Range(0.25, 4),
    "kernel": Range(1, 31, whole=True),
    "dropout": Range(0, 1, below=True),
    "batch_size": Range(1, 4096, whole=True),
}
"""What each number of a list must be."""
CHOICES = (
    "window_ms", "stride", "level", "block", "frame_ms", "frame_stride", "network", "depth", "width", "growth",
    "kernel", "dropout", "batch_normalization", "head", "batch_size",
)  # fmt: skip
"""Parameters of every candidate that are chosen from a whole list."""
AUGMENTATION = "augmentation"
OF_BLOCK: Mapping[str, tuple[str, ...]] = {
    "spectrogram": ("spectrogram_fft_length", "noise_floor_db"),
    "mfe": ("fft_length", "filters", "noise_floor_db"),
    "mfcc": ("fft_length", "filters", "coefficients"),
}
"""Parameters that only candidates with this block have."""
LISTS = (*CHOICES, AUGMENTATION, *dict.fromkeys(name for names in OF_BLOCK.values() for name in names))
"""All parameters that are chosen from a list, each once."""
LEARNING_RATE = "learning_rate"
RECORDING: Augmentation = "recording"
"""The augmentation of the recipe `robust`, which only candidates with the block mfe and the level rms can have."""
MAXIMISED: Mapping[Objective, bool] = {
    "accuracy": True, "worst_condition": True, "ram": False, "flash": False, "time": False,
}  # fmt: skip


class Suggesting(Protocol):
    """What the space needs of a trial of Optuna: a value for each name."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Choose one of the values."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        """Choose a number of a range."""


def space_faults(tune: TuneSettings) -> Iterator[Fault]:
    """Yield a fault for each list of [tune] that is empty, has a value twice, or a value that no candidate can have."""
    for name in (*LISTS, "objectives"):
        yield from _list_faults(name, getattr(tune, name))
    if not tune.learning_rate:
        yield Fault("tune.learning_rate", "tune.learning_rate is empty", "For example [0.0005, 0.01].")
    for condition in set(tune.conditions) - set(CONDITIONS):
        known = ", ".join(CONDITIONS)
        yield Fault("tune.conditions", f"tune.conditions: there is no condition {condition!r}", f"Conditions: {known}.")
    if "worst_condition" in tune.objectives and not tune.conditions:
        yield Fault(
            "tune.conditions", "tune.conditions is empty, and tune.objectives has worst_condition", "Add a condition."
        )
    if tune.augmentation == (RECORDING,) and (set(tune.block) != {"mfe"} or set(tune.level) != {"rms"}):
        yield Fault(
            "tune.augmentation",
            f'tune.augmentation has {RECORDING!r} only, which needs tune.block = ["mfe"] and tune.level = ["rms"]',
            "Set these, or add another augmentation.",
        )
    if "mfcc" in tune.block and tune.filters and tune.coefficients and min(tune.coefficients) > max(tune.filters):
        problem = f"tune.coefficients: mfcc has at most tune.filters = {max(tune.filters)} coefficients"
        yield Fault("tune.coefficients", problem, "Add a smaller number of coefficients, or more filters.")


def _list_faults(name: str, values: Sequence[Value]) -> Iterator[Fault]:
    key = f"tune.{name}"
    if not values:
        yield Fault(key, f"{key} is empty, so there is no candidate", f"List one or more values in {key}.")
    for value in values:
        if name in ITEMS and value not in ITEMS[name]:
            yield Fault(key, f"{key}: {value!r} must be {ITEMS[name]}", f"Correct the list {key}.")
    if len(set(values)) < len(values):
        yield Fault(key, f"{key} has a value twice", f"Remove one of them from {key}.")


@dataclass(frozen=True)
class SettingsSpace:
    """The space of [tune]. `suggest` asks a trial for the parameters in a fixed order."""

    tune: TuneSettings

    def suggest(self, trial: Suggesting) -> Parameters:
        """Return the parameters of a trial; of the parameters of blocks, only those of its own block."""
        found: dict[str, Value] = {name: self._choose(trial, name, name) for name in CHOICES}
        block = str(found["block"])
        for name in OF_BLOCK[block]:
            found[name] = self._choose(trial, name, f"{block}.{name}")
        found[AUGMENTATION] = self._augmentation(trial, block, str(found["level"]))
        low, high = self.tune.learning_rate
        found[LEARNING_RATE] = trial.suggest_float(LEARNING_RATE, low, high, log=True)
        return found

    def description(self) -> dict[str, Any]:
        """Return the lists of the space as plain data, to recognise another space in a stored search."""
        return {name: list(getattr(self.tune, name)) for name in sorted((*LISTS, LEARNING_RATE))}

    def _augmentation(self, trial: Suggesting, block: str, level: str) -> Value:
        every = self.tune.augmentation
        if RECORDING not in every or (block, level) == ("mfe", "rms"):
            return self._choose(trial, AUGMENTATION, AUGMENTATION)
        chosen: Value = trial.suggest_categorical(f"{AUGMENTATION}.others", [one for one in every if one != RECORDING])
        return chosen

    def _choose(self, trial: Suggesting, name: str, parameter: str) -> Value:
        chosen: Value = trial.suggest_categorical(parameter, list(getattr(self.tune, name)))
        return chosen
