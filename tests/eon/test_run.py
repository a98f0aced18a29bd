"""Empty and wrong inputs, and outputs that cannot be written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import eitk

MODEL = Path(__file__).parents[1] / "board" / "models" / "mfe_int8.tflite"


def run_eon(folder: Path, output: str = "y.npy") -> tuple[int, str]:
    """`eitk eon run` on in.npy: exit code and stderr."""
    done = eitk(folder, "eon", "run", str(MODEL), "--input", "in.npy", "--output", output)
    return done.code, done.err


@pytest.mark.parametrize("shape", [(0,), (0, 4800), (0, 120, 40)])
def test_no_inputs_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "in.npy", np.zeros(shape, np.int8))
    code, err = run_eon(tmp_path)
    assert (code, "the array holds no inputs" in err, "--debug" in err) == (1, True, False), err


@pytest.mark.parametrize("shape", [(), (3,), (2, 7)])
def test_inputs_of_another_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "in.npy", np.zeros(shape, np.int8))
    code, err = run_eon(tmp_path)
    assert (code, "the inputs have the shape" in err) == (1, True), err


@pytest.mark.parametrize("output", ["/nonexistent/y.npy", "none/y.npy", "in.npy/y.npy", "."])
def test_outputs_that_cannot_be_written_are_named_as_they_were_given(tmp_path: Path, output: str) -> None:
    np.save(tmp_path / "in.npy", np.zeros((1, 4800), np.int8))
    code, err = run_eon(tmp_path, output)
    assert (code, f"cannot write {tmp_path / output}" in err, ".part" in err) == (1, True, False), err
    assert "try:" in err
