"""All cases give the reference interpreter's outputs, on this machine and on an emulated Cortex-M4F, in both modes."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from layer_cases import CASES, MICRO
from model_bench import Bench, inputs_for, micro_reference, reference

ROUNDS = 4  # inputs of each model; variables keep their values from one to the next


@pytest.fixture(scope="session")
def expected() -> dict[str, np.ndarray]:
    """The outputs of the reference interpreter."""
    return {name: (micro_reference if name in MICRO else reference)(model, values) for name, model, values in cases()}


def cases() -> Iterator[tuple[str, bytes, np.ndarray]]:
    """Each case with its inputs."""
    for seed, (name, build) in enumerate(CASES.items()):
        if name in MICRO and find_spec("tflite_micro") is None:  # there are no packages for some systems
            continue
        model = build()
        yield name, model, inputs_for(model, ROUNDS, seed)


def is_equal(found: np.ndarray, expected: np.ndarray) -> bool:
    """Return whether integers are equal and floats close."""
    if found.dtype == np.float32:
        return np.allclose(found, expected, rtol=1e-5, atol=1e-5)
    return np.array_equal(found, expected)


@pytest.mark.parametrize(
    ("arm", "ram_optimized"),
    [
        (False, False),
        pytest.param(False, True, marks=pytest.mark.exhaustive),  # the emulated run has the same plan
        pytest.param(True, True, marks=pytest.mark.arm),
    ],
    ids=["host", "host with less RAM", "emulated Cortex-M4F"],
)
def test_all_outputs_are_those_of_the_reference_interpreter(
    arm: bool, ram_optimized: bool, expected: dict[str, np.ndarray], tmp_path: Path
) -> None:
    names, models, inputs = zip(*cases(), strict=True)
    found = Bench(tmp_path).outputs(models, inputs, arm=arm, ram_optimized=ram_optimized)
    assert [name for name, values in zip(names, found, strict=True) if not is_equal(values, expected[name])] == []


@pytest.mark.exhaustive
@pytest.mark.arm
def test_all_outputs_of_the_plan_for_speed_on_an_emulated_cortex_m4f(
    expected: dict[str, np.ndarray], tmp_path: Path
) -> None:
    names, models, inputs = zip(*cases(), strict=True)
    found = Bench(tmp_path).outputs(models, inputs, arm=True)
    assert [name for name, values in zip(names, found, strict=True) if not is_equal(values, expected[name])] == []
