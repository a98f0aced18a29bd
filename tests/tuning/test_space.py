"""The space of [tune]: what is refused, and the parameters of a candidate."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from ei_toolkit.config.tune_settings import TuneSettings
from ei_toolkit.tuning.space import CHOICES, OF_BLOCK, SettingsSpace, space_faults


class RandomTrial:
    """Chooses by a random generator."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def suggest_categorical(self, _name: str, choices: Sequence[Any]) -> Any:
        return self.random.choice(choices)

    def suggest_float(self, _name: str, low: float, high: float, *, log: bool) -> float:
        assert log
        return self.random.uniform(low, high)


def test_the_space_that_ships_has_no_fault() -> None:
    assert list(space_faults(TuneSettings())) == []


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"block": ()}, "tune.block is empty, so there is no candidate"),
        ({"learning_rate": ()}, "tune.learning_rate is empty"),
        ({"objectives": ()}, "tune.objectives is empty"),
        ({"kernel": (3, 0)}, "tune.kernel: 0 must be"),
        ({"dropout": (1.0,)}, "tune.dropout: 1.0 must be"),
        ({"depth": (2, 2)}, "tune.depth has a value twice"),
        ({"conditions": ("storm",)}, "there is no condition 'storm'"),
        ({"objectives": ("accuracy", "worst_condition"), "conditions": ()}, "tune.conditions is empty"),
        ({"augmentation": ("recording",), "block": ("mfe", "mfcc")}, "'recording' only, which needs tune.block"),
        ({"augmentation": ("recording",), "block": ("mfe",), "level": ("rms", "dc")}, "and tune.level = ["),
        ({"augmentation": ()}, "tune.augmentation is empty"),
        ({"filters": (10,), "coefficients": (13,)}, "mfcc has at most tune.filters = 10 coefficients"),
    ],
)
def test_an_empty_or_contradictory_space_is_refused_by_name(changed: dict[str, Any], problem: str) -> None:
    faults = list(space_faults(TuneSettings(**changed)))
    assert problem in faults[0].problem
    assert faults[0].hint


def test_a_candidate_has_the_parameters_of_its_own_block_only() -> None:
    space = SettingsSpace(TuneSettings())
    for seed in range(30):
        found = space.suggest(RandomTrial(seed))
        assert set(found) == {*CHOICES, *OF_BLOCK[str(found["block"])], "augmentation", "learning_rate"}


def test_only_windows_at_one_level_with_mfe_are_augmented_as_recordings() -> None:
    space = SettingsSpace(TuneSettings(level=("rms", "dc")))
    found = [space.suggest(RandomTrial(seed)) for seed in range(200)]
    recordings = [own for own in found if own["augmentation"] == "recording"]
    assert recordings
    assert {(own["block"], own["level"]) for own in recordings} == {("mfe", "rms")}
    assert {own["augmentation"] for own in found if own["block"] == "mfcc"} == {"masks", "device"}
