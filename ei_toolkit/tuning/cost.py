"""What a candidate needs on the board, known before it is trained: its untrained network is compiled and measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.window import samples_in
from ei_toolkit.config import Settings, TrainingSettings
from ei_toolkit.config.boards import NRF52840_CLOCK_HZ, board_spec, rate_problem, window_ram_bytes
from ei_toolkit.config.units import kib
from ei_toolkit.eon.compile import compile_model
from ei_toolkit.eon.profile import estimate, profile_model
from ei_toolkit.eon.toolchain import missing_arm_tools
from ei_toolkit.eon.window_cost import features_ms
from ei_toolkit.errors import DataError
from ei_toolkit.impulse.features import feature_count
from ei_toolkit.tuning.candidate import Candidate

CALIBRATION_WINDOWS = 8  # random ones: the ranges of an untrained network do not change what it costs
CLEARLY = 1.5  # an estimate this far above a limit is not measured


@dataclass(frozen=True)
class Cost:
    """RAM and flash in bytes, and time at the clock of the board.

    `ram_bytes` is the memory of sketch, window, features and network, `network_ram_bytes` that of the network only;
    `flash_bytes` is the network's. `how` is "emulated" if the network was linked and run on the emulated Cortex-M4F,
    else "cost model".
    """

    ram_bytes: int
    network_ram_bytes: int
    flash_bytes: int
    features_ms: float
    network_ms: float
    instructions: int
    parameters: int
    how: str

    @property
    def total_ms(self) -> float:
        """Milliseconds of one classification: features and network."""
        return self.features_ms + self.network_ms

    def data(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {**asdict(self), "total_ms": round(self.total_ms, 3)}


def read_cost(data: Mapping[str, Any]) -> Cost:
    """Return the cost of its plain data."""
    return Cost(**{key: value for key, value in data.items() if key != "total_ms"})


@dataclass(frozen=True)
class Limits:
    """What the board offers: bytes of RAM and flash, milliseconds of one classification; None is not limited."""

    board: str
    ram_bytes: float | None
    flash_bytes: float | None
    total_ms: float | None


def limits_of(settings: Settings) -> Limits:
    """Return the limits of [tune], and where it has none, those of the board and its `hop_ms`."""
    spec, tune = board_spec(settings.board.name), settings.tune
    return Limits(
        spec.name,
        tune.max_ram_kb * 1024 or spec.ram_bytes,
        tune.max_flash_kb * 1024 or spec.flash_bytes,
        tune.max_ms or (settings.board.hop_ms if spec.clock_hz else None),
    )


def exceeded(cost: Cost, limits: Limits) -> list[str]:
    """Return a sentence for each limit that a cost exceeds, with both figures."""
    return list(_exceeded(cost, limits, 1.0))


def _exceeded(cost: Cost, limits: Limits, times: float) -> Iterator[str]:
    if limits.ram_bytes is not None and cost.ram_bytes > times * limits.ram_bytes:
        own = kib(cost.ram_bytes - cost.network_ram_bytes)
        yield (
            f"RAM {kib(cost.ram_bytes)} of {kib(limits.ram_bytes)}: sketch, window and features {own},"
            f" network {kib(cost.network_ram_bytes)}"
        )
    if limits.flash_bytes is not None and cost.flash_bytes > times * limits.flash_bytes:
        yield f"flash {kib(cost.flash_bytes)} of {kib(limits.flash_bytes)}"
    if limits.total_ms is not None and cost.total_ms > times * limits.total_ms:
        yield (
            f"time {cost.total_ms:.0f} ms of {limits.total_ms:g} ms: features {cost.features_ms:.0f} ms,"
            f" network {cost.network_ms:.0f} ms"
        )


def candidate_cost(candidate: Candidate, classes: int, limits: Limits) -> Cost:
    """Return the cost of a candidate before it is trained. Needs TensorFlow. Raises as `model_cost` does.

    Raises ConfigurationError for an impulse or a network that contradicts itself.
    """
    inputs = feature_count(candidate.settings)
    tflite, parameters = untrained_network(candidate.script, inputs, classes, candidate.settings.training)
    return model_cost(candidate.settings, tflite, parameters, limits)


def model_cost(settings: Settings, tflite: bytes, parameters: int, limits: Limits) -> Cost:
    """Return the cost of a model with the window and the processing blocks of these settings.

    With the ARM tools the network is linked and run on the emulated Cortex-M4F, unless the cost model already shows
    that it is far too large. Raises UnsupportedModelError for a network that the compiler cannot translate.
    """
    is_ram_optimized = settings.build.engine == "tflite-eon-ram-optimized"
    costs, scale = estimate(compile_model(tflite, ram_optimized=is_ram_optimized)), _clock_scale(settings)
    rest = window_ram_bytes(samples_in(settings.slice.window_ms, settings.slice.sample_rate), feature_count(settings))
    features = round(features_ms(settings) * scale, 3)

    def cost(ram: int, flash: int, latency_ms: float, instructions: int, how: str) -> Cost:
        network_ms = round(latency_ms * scale, 3)
        return Cost(rest + ram, ram, flash, features, network_ms, instructions, parameters, how)

    expected = cost(
        costs.sections.ram, costs.sections.flash, costs.latency_ms, sum(costs.steps), "cost model"
    )  # fmt: skip
    if missing_arm_tools() or any(_exceeded(expected, limits, CLEARLY)):
        return expected
    try:
        found = profile_model(tflite, ram_optimized=is_ram_optimized)
    except DataError:  # it does not fit the memory of the emulated board
        return expected
    return cost(found.ram_bytes, found.flash_bytes, found.latency_ms, found.instructions, found.how)


def untrained_network(
    script: str, inputs: int, classes: int, training: TrainingSettings, *, is_int8: bool = True
) -> tuple[bytes, int]:
    """Return the .tflite of a script's network before training, and the number of its parameters. Needs TensorFlow."""
    model = untrained_model(script, inputs, classes, training)
    # TensorFlow, which only the processes that train have
    from ei_toolkit.training.convert import float32_model, int8_model

    random = np.random.default_rng(0).random((CALIBRATION_WINDOWS, inputs), np.float32)
    model.set_weights([_as_trained(one) for one in model.get_weights()])
    tflite = int8_model(model, random, seed=0) if is_int8 else float32_model(model)
    return tflite, int(model.count_params())


def _as_trained(weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return weights whose mean size is 0.4 of the largest one, as in a trained network, and not 0.5.

    Keras draws them evenly up to a limit. Sums of more than 500 inputs can then need more bits than the fastest kernel
    has, which the trained network uses.
    """
    largest = np.abs(weights).max(initial=0)
    return weights * np.sqrt(np.abs(weights) / largest) if weights.ndim > 1 and largest else weights


def untrained_model(script: str, inputs: int, classes: int, training: TrainingSettings) -> Any:
    """Return the Keras model of a script before training. Needs TensorFlow."""
    # TensorFlow, which only the processes that train have
    from ei_toolkit.training.fit import run_script
    from ei_toolkit.training.import_tensorflow import import_tensorflow

    import_tensorflow()
    variables = {
        "args": SimpleNamespace(
            epochs=training.epochs, learning_rate=training.learning_rate, batch_size=training.batch_size
        ),
        "callbacks": [],
        "classes": classes,
        "input_length": inputs,
        "train_sample_count": 0,
    }
    return run_script(script, variables)["model"]


def _clock_scale(settings: Settings) -> float:
    clock = board_spec(settings.board.name).clock_hz
    return NRF52840_CLOCK_HZ / clock if clock else 1.0


def board_faults(settings: Settings) -> list[str]:
    """Return why the board can run no candidate at all; empty if it can."""
    problem = rate_problem(settings.slice.sample_rate)
    return [problem] if problem else []
