"""Inference on this machine compared with golden outputs of the reference kernels."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.errors import DataError
from ei_toolkit.impulse.interpreter import Interpreter, Quantisation


@pytest.mark.parametrize("name", ["kws", "sample"])
def test_int8_outputs_equal_the_goldens(goldens: Path, name: str) -> None:
    model = Interpreter((goldens / "int8" / f"{name}_int8.tflite").read_bytes())
    vectors = np.load(goldens / "int8" / f"{name}_int8.npz")
    inputs, outputs = (vectors[key].astype(np.int8).reshape(len(vectors[key]), -1) for key in list(vectors.files)[:2])
    np.testing.assert_array_equal(model.run_int8(inputs), outputs)


def test_real_values_go_through_the_model_as_on_the_board(goldens: Path) -> None:
    model = Interpreter((goldens / "int8" / "sample_int8.tflite").read_bytes())
    features = np.random.default_rng(1).random((3, model.input_size)).astype(np.float32)
    exact = model.run_int8(model.input.quantise(features))
    np.testing.assert_array_equal(model.predict_int8(features), exact)
    np.testing.assert_array_equal(model.predict(features), (exact.astype(np.float32) + 128) / 256)
    assert len(model.sha256) == 64


def test_a_half_is_rounded_away_from_zero_and_the_rest_saturates() -> None:
    q = Quantisation(scale=0.5, zero_point=-3)
    values = np.array([0.25, -0.25, 0.75, 1000.0, -1000.0], np.float32)
    assert q.quantise(values).tolist() == [-2, -4, -1, 127, -128]


@given(st.integers(-128, 127))
def test_quantising_what_was_dequantised_gives_it_back(value: int) -> None:
    q = Quantisation(scale=0.0123, zero_point=7)
    assert q.quantise(q.dequantise(np.array([value], np.int8))).tolist() == [value]


@pytest.mark.parametrize("data", [b"", b"not a model", b"\x1c\x00\x00\x00TFL3" + b"\xff" * 64])
def test_bytes_that_are_no_model_are_refused(data: bytes) -> None:
    with pytest.raises(DataError):
        Interpreter(data)


def test_features_of_another_impulse_are_refused(goldens: Path) -> None:
    model = Interpreter((goldens / "int8" / "kws_int8.tflite").read_bytes())
    with pytest.raises(DataError, match="takes"):
        model.predict(np.zeros((1, 3), np.float32))


def test_inference_needs_no_tensorflow() -> None:
    code = (
        "import sys, ei_toolkit.impulse.interpreter, ai_edge_litert.interpreter; sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False).returncode == 0
