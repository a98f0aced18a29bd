"""Inference on this machine compared with golden outputs of the reference kernels."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_model import TinyModel

from ei_toolkit.errors import DataError, MissingToolError
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


@given(st.floats(2**-12, 8), st.integers(-128, 127), st.floats(-100, 100, width=32))
def test_a_value_is_quantised_as_exact_arithmetic_does_it(scale: float, zero_point: int, value: float) -> None:
    ratio = Fraction(float(np.float32(value) / np.float32(scale)))  # the quotient is rounded to float32 on the board
    away = int(abs(ratio) + Fraction(1, 2)) * (1 if ratio >= 0 else -1)
    expected = max(-128, min(127, away + zero_point))
    found = int(Quantisation(scale, zero_point).quantise(np.array([value], np.float32))[0])
    assert abs(found - expected) <= (1 if abs(ratio % 1 - Fraction(1, 2)) < Fraction(1, 2**20) else 0)


def test_dequantised_values_are_the_distance_to_the_zero_point_in_steps() -> None:
    values = Quantisation(0.25, -128).dequantise(np.array([-128, -127, 0, 127], np.int8))
    assert (values.tolist(), values.dtype) == ([0.0, 0.25, 32.0, 63.75], np.float32)


def float_model(inputs: int = 6, classes: int = 3) -> bytes:
    """A float32 softmax of a dense layer with random weights."""
    model, random = TinyModel(), np.random.default_rng(1)
    source, sums, output = (model.tensor((1, n), "float32") for n in (inputs, classes, classes))
    weights = model.tensor((classes, inputs), "float32", data=random.normal(size=(classes, inputs)))
    model.operator("FULLY_CONNECTED", [source, weights, -1], sums, "FullyConnectedOptions")
    model.operator("SOFTMAX", [sums], output, "SoftmaxOptions", beta=1.0)
    return model.finish(source, output)


def test_a_float_model_has_no_int8_outputs() -> None:
    model = Interpreter(float_model())
    assert not model.is_int8
    with pytest.raises(DataError, match="this model is float32, not int8") as caught:
        model.predict_int8(np.zeros((1, 6), np.float32))
    assert caught.value.hint == "Load the int8 model, or call Interpreter.predict."


def test_probabilities_of_a_float_model_are_those_of_the_formula() -> None:
    features = np.random.default_rng(2).normal(size=(2, 6))
    found = Interpreter(float_model()).predict(features)
    exponentials = np.exp(features @ np.random.default_rng(1).normal(size=(3, 6)).T)
    assert (found.dtype, found.shape) == (np.float32, (2, 3))
    assert found == pytest.approx(exponentials / exponentials.sum(axis=1, keepdims=True), abs=1e-5)


def test_no_window_at_all_has_no_predictions(goldens: Path) -> None:
    int8 = (goldens / "int8" / "sample_int8.tflite").read_bytes()
    for model in (Interpreter(float_model()), Interpreter(int8)):
        assert model.predict(np.empty((0, model.input_size), np.float32)).shape == (0, model.output_size)


@pytest.mark.parametrize("shape", [(7,), (1, 7), (2, 3, 4)])
def test_the_shape_of_features_that_do_not_fit_is_shown(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError) as caught:
        Interpreter(float_model()).predict(np.zeros(shape, np.float32))
    assert caught.value.what == f"the model takes (n, 6) features, not {shape}"


def test_a_model_with_two_inputs_is_refused() -> None:
    model = TinyModel()
    first, second, output = (model.tensor((1, 4), "float32") for _ in range(3))
    model.operator("ADD", [first, second], output, "AddOptions")
    with pytest.raises(DataError, match="the model has 2 inputs or outputs, not one"):
        Interpreter(model.finish(first, output, second))


def test_the_hash_is_that_of_the_bytes_of_the_file() -> None:
    assert Interpreter(float_model()).sha256 == hashlib.sha256(float_model()).hexdigest()


def test_without_the_runtime_the_package_to_install_is_named(goldens: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MissingToolError, match="models cannot run on this machine") as caught:
        Interpreter((goldens / "int8" / "sample_int8.tflite").read_bytes())
    assert caught.value.hint == "pip install 'eitk[local]'"
