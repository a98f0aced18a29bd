"""Each case gives the reference interpreter's outputs, on this machine and on an emulated Cortex-M4F, in both modes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from model_bench import Bench, inputs_for, reference
from operator_cases import CASES

ROUNDS = 4  # inputs of each model; variables keep their values from one to the next


def run_all(factory: pytest.TempPathFactory, names: Sequence[str], **options: bool) -> dict[str, np.ndarray]:
    """Return the outputs of the named cases, all in one program."""
    models = [CASES[name]() for name in names]
    inputs = [inputs_for(model, ROUNDS, seed) for seed, model in enumerate(models)]
    outputs = Bench(factory.mktemp("cases")).outputs(models, inputs, **options)
    return dict(zip(names, outputs, strict=True))


@pytest.fixture(scope="session")
def on_host(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The outputs of all cases on this machine."""
    return run_all(tmp_path_factory, list(CASES))


@pytest.fixture(scope="session")
def on_host_with_less_ram(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The same with the memory plan for less RAM."""
    return run_all(tmp_path_factory, list(CASES), ram_optimized=True)


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The same on an emulated Cortex-M4F."""
    return run_all(tmp_path_factory, list(CASES), arm=True)


def compare(name: str, found: np.ndarray) -> None:
    model = CASES[name]()
    expected = reference(model, inputs_for(model, ROUNDS, list(CASES).index(name)))
    if found.dtype == np.float32:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    else:
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", CASES)
def test_outputs_on_this_machine(name: str, on_host: dict[str, np.ndarray]) -> None:
    compare(name, on_host[name])


@pytest.mark.parametrize("name", CASES)
def test_outputs_with_less_ram(name: str, on_host_with_less_ram: dict[str, np.ndarray]) -> None:
    compare(name, on_host_with_less_ram[name])


@pytest.mark.arm
@pytest.mark.parametrize("name", CASES)
def test_outputs_on_an_emulated_cortex_m4f(name: str, emulated: dict[str, np.ndarray]) -> None:
    compare(name, emulated[name])
