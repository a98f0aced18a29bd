"""Fixtures that compare compiled models with the reference interpreter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_bench import Bench, inputs_for, reference
from tiny_model import TinyModel

from ei_toolkit.eon.compile import compile_model


@pytest.fixture(scope="session")
def tiny() -> type[TinyModel]:
    """The builder of tiny models."""
    return TinyModel


@pytest.fixture(scope="session")
def reference_outputs() -> Callable[[bytes, np.ndarray], np.ndarray]:
    """The reference interpreter."""
    return reference


@dataclass(frozen=True)
class Agreement:
    """Compares the outputs of compiled models with those of the reference interpreter."""

    make_folder: Callable[[], Path]

    def __call__(self, models: Sequence[bytes], *, count: int = 4, tolerance: float = 0.0, **options: Any) -> None:
        """Compare all outputs of all models, element by element; int8 must be equal."""
        models = list(dict.fromkeys(models))  # equal headers would be included once only
        inputs = [inputs_for(model, count, seed) for seed, model in enumerate(models)]
        answers = Bench(self.make_folder()).outputs(models, inputs, **options)
        for i, (model, values, answer) in enumerate(zip(models, inputs, answers, strict=True)):
            expected = reference(model, values)
            if answer.dtype == np.int8:
                wrong = np.flatnonzero((answer != expected).ravel())
                titles = [layer.title for layer in compile_model(model).layers]
                assert not wrong.size, f"model {i} {titles}: {wrong.size} of {answer.size} differ, first {wrong[:5]}"
            else:
                np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=tolerance)


@pytest.fixture(scope="session")
def agree(tmp_path_factory: pytest.TempPathFactory) -> Agreement:
    """Compare compiled models with the reference interpreter."""
    return Agreement(lambda: tmp_path_factory.mktemp("eon"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Compile and run without the reference interpreter."""
    return Bench(tmp_path)
