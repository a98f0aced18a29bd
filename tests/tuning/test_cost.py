"""The cost of a candidate: limits with their figures, and its prediction against the trained and linked network."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.config import Settings
from ei_toolkit.config.tune_settings import TuneSettings
from ei_toolkit.eon.toolchain import missing_arm_tools
from ei_toolkit.errors import ConfigurationError, DataError
from ei_toolkit.evaluation.model import Material, Recipe, train_model
from ei_toolkit.impulse.features import feature_count
from ei_toolkit.tuning.candidate import Candidate, candidate
from ei_toolkit.tuning.cost import (
    Cost,
    Limits,
    _as_trained,
    candidate_cost,
    exceeded,
    limits_of,
    model_cost,
    read_cost,
    untrained_model,
)
from ei_toolkit.tuning.space import SettingsSpace

COST = Cost(200 * 1024, 60 * 1024, 90 * 1024, 40.0, 160.0, 5_000_000, 9_000, "cost model")
NO_LIMITS = Limits("nano33ble", None, None, None)
LABELS = ("classical", "rock")
FEW_WINDOWS = 24
EPOCHS = 20  # after one step, weights still have the spread of the first ones, and a large layer a slower kernel


@pytest.mark.parametrize(
    ("limits", "reasons"),
    [
        (Limits("nano33ble", 200 * 1024, 90 * 1024, 200), []),
        (NO_LIMITS, []),
        (
            Limits("nano33ble", 180 * 1024, None, None),
            ["RAM 200.0 KiB of 180.0 KiB: sketch, window and features 140.0 KiB, network 60.0 KiB"],
        ),
        (Limits("nano33ble", None, 80 * 1024, None), ["flash 90.0 KiB of 80.0 KiB"]),
        (
            Limits("nano33ble", None, None, 150),
            ["time 200 ms of 150 ms: features 40 ms, network 160 ms"],
        ),
    ],
)
def test_a_limit_that_is_exceeded_is_named_with_both_figures(limits: Limits, reasons: Sequence[str]) -> None:
    assert exceeded(COST, limits) == reasons


def test_the_limits_are_those_of_the_board_unless_the_search_has_its_own() -> None:
    settings = Settings()
    assert limits_of(settings) == Limits("nano33ble", 256 * 1024, 983_040, 500)
    own = replace(settings, tune=TuneSettings(max_ram_kb=100, max_flash_kb=50, max_ms=20))
    assert limits_of(own) == Limits("nano33ble", 100 * 1024, 50 * 1024, 20)
    host = replace(settings, board=replace(settings.board, name="host"))
    assert limits_of(host) == Limits("host", None, None, None)


def test_a_cost_is_read_again_from_its_data() -> None:
    assert read_cost(COST.data()) == COST
    assert COST.data()["total_ms"] == 200.0


def test_untrained_weights_get_the_spread_of_trained_ones() -> None:
    """Sums of 600 evenly drawn weights need more bits than those of a trained network, and a slower kernel."""
    even = np.random.default_rng(0).uniform(-0.1, 0.1, (600, 48)).astype(np.float32)
    found = _as_trained(even)
    assert np.abs(found).mean() / np.abs(found).max() == pytest.approx(0.4, abs=0.01)
    assert np.array_equal(np.sign(found), np.sign(even))
    for kept in (np.ones(48, np.float32), np.zeros((3, 3), np.float32)):
        assert np.array_equal(_as_trained(kept), kept)


class RandomTrial:
    """Chooses by a random generator."""

    def __init__(self, generator: random.Random) -> None:
        self.random = generator

    def suggest_categorical(self, _name: str, choices: Sequence[Any]) -> Any:
        return self.random.choice(choices)

    def suggest_float(self, _name: str, low: float, high: float, *, log: bool) -> float:
        return self.random.uniform(low, high) if log else low


def measured_candidates(count: int, seed: int) -> Iterator[tuple[Candidate, Cost]]:
    """Random candidates of the space that ships, each trained for a few steps, and their predicted costs.

    Candidates that a search refuses are left out: a block that cannot have the parameters, a network that the compiler
    cannot translate, and one that does not fit the emulated board.
    """
    settings = Settings(tune=TuneSettings(epochs=EPOCHS))
    space, generator = SettingsSpace(settings.tune), random.Random(seed)
    while count:
        try:
            made = candidate(settings, space.suggest(RandomTrial(generator)))
            predicted = candidate_cost(made, len(LABELS), NO_LIMITS)
        except (ConfigurationError, DataError):
            continue
        if predicted.how == "emulated":
            count -= 1
            yield made, predicted


def trained_cost(made: Candidate, folder: Path) -> Cost:
    """Train a candidate on a few windows of noise, and return the cost of the trained network."""
    features = np.random.default_rng(1).random((FEW_WINDOWS, feature_count(made.settings)), np.float32)
    labels = np.arange(FEW_WINDOWS) % 2
    material = Material(features, labels, [str(n) for n in range(FEW_WINDOWS)])
    trained = train_model(Recipe("", made.settings, made.script), LABELS, material, 0, folder, lambda _line: None)
    return model_cost(made.settings, trained.int8, trained.parameters, NO_LIMITS)


def cost_with_other_weights(made: Candidate) -> Cost:
    """Return the cost of a candidate's network with other weights, biases and statistics, as after a training."""
    # TensorFlow, which takes seconds to import: for one test only
    from ei_toolkit.training.convert import int8_model

    settings, inputs, generator = made.settings, feature_count(made.settings), np.random.default_rng(2)
    model = untrained_model(made.script, inputs, len(LABELS), settings.training)
    model.set_weights([one + generator.uniform(0.01, 0.1, one.shape) for one in model.get_weights()])
    features = generator.random((FEW_WINDOWS, inputs), np.float32)
    return model_cost(settings, int8_model(model, features, seed=0), model.count_params(), NO_LIMITS)


@pytest.mark.exhaustive
@pytest.mark.arm
@pytest.mark.timeout(4 * 3600)
@pytest.mark.skipif(bool(missing_arm_tools()), reason="needs the ARM compiler and QEMU")
def test_predictions_of_sixty_random_candidates_equal_the_linked_program(tmp_path: Path) -> None:
    """RAM and flash within 2 %, time within 10 %: 20 candidates are trained, 40 get other weights, which is quicker."""
    errors = []
    trained = ((made, predicted, True) for made, predicted in measured_candidates(20, seed=60))
    changed = ((made, predicted, False) for made, predicted in measured_candidates(40, seed=61))
    for number, (made, predicted, is_trained) in enumerate(chain(trained, changed)):
        linked = trained_cost(made, tmp_path / str(number)) if is_trained else cost_with_other_weights(made)
        assert linked.how == "emulated"
        errors.append(
            (
                abs(predicted.network_ram_bytes / linked.network_ram_bytes - 1),
                abs(predicted.flash_bytes / linked.flash_bytes - 1),
                abs(predicted.network_ms / linked.network_ms - 1),
            )
        )
        print(number, *(f"{error:.4f}" for error in errors[-1]), linked.flash_bytes, linked.network_ms)
    ram, flash, time = np.max(errors, axis=0)
    print(f"{len(errors)} candidates: largest errors RAM {ram:.4f}, flash {flash:.4f}, time {time:.4f}")
    assert ram <= 0.02
    assert flash <= 0.02
    assert time <= 0.10
