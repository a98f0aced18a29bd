"""Rounding of weights by the error of the outputs: to steps of int8, with smaller errors than the nearest steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ei_toolkit.training.convert import int8_model
from ei_toolkit.training.import_tensorflow import import_tensorflow

FRAMES, BANDS = 10, 8


def windows(count: int = 64) -> Any:
    """Features of neighbouring frames and bands that resemble each other, as those of sound do."""
    noise = np.random.default_rng(0).normal(size=(count, FRAMES + 2, BANDS + 2))
    smooth = sum(noise[:, i : i + FRAMES, j : j + BANDS] for i in range(3) for j in range(3))
    return np.abs(smooth).reshape(count, -1).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> Any:
    """A network with every kind of layer that is rounded, and random weights."""
    import_tensorflow()
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(1)
    inputs = keras.Input((FRAMES * BANDS,), name="x_input")
    x = layers.Reshape((FRAMES, BANDS, 1))(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)))
    x = layers.ReLU()(layers.DepthwiseConv2D(3, padding="same")(x))
    x = layers.Reshape((5, 32))(x)
    x = layers.Conv1D(8, 3, padding="valid", activation="relu")(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Dense(4, name="y_pred")(x))


def outputs(model: Any) -> Any:
    return np.asarray(model(windows(), training=False))


def nearest(model: Any) -> Any:
    """The same network with each weight rounded to the nearest step."""
    import keras

    from ei_toolkit.training.folding import WEIGHTED, fold_normalisation
    from ei_toolkit.training.rounding import STEPS

    rounded = fold_normalisation(model)
    for layer in rounded.layers:
        if isinstance(layer, WEIGHTED):
            kernel, bias = layer.get_weights()
            axes = (0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else tuple(range(kernel.ndim - 1))
            step = np.abs(kernel).max(axis=axes, keepdims=True) / STEPS
            layer.set_weights([np.rint(kernel / step) * step, bias])
    return rounded


def test_the_outputs_change_less_than_with_the_nearest_steps(network: Any) -> None:
    from ei_toolkit.training.rounding import round_weights

    exact = outputs(network)
    by_outputs, by_weight = (
        np.sqrt(np.mean((outputs(one) - exact) ** 2))
        for one in (round_weights(network, windows(), 0), nearest(network))
    )
    assert 0 < by_outputs < 0.9 * by_weight


def test_the_conversion_finds_the_same_steps(network: Any) -> None:
    from ai_edge_litert.interpreter import Interpreter

    from ei_toolkit.training.rounding import round_weights

    rounded = round_weights(network, windows(), 0)
    runtime = Interpreter(model_content=int8_model(rounded, windows(), 0))
    runtime.allocate_tensors()
    stored = []
    for detail in runtime.get_tensor_details():
        scales = detail["quantization_parameters"]["scales"]
        if detail["dtype"] == np.int8 and len(scales) > 1:
            shape = [-1 if axis == detail["quantization_parameters"]["quantized_dimension"] else 1
                     for axis in range(len(detail["shape"]))]  # fmt: skip
            stored.append(np.sort((runtime.get_tensor(detail["index"]) * scales.reshape(shape)).ravel()))
    kernels = [np.sort(layer.kernel.numpy().ravel()) for layer in rounded.layers if hasattr(layer, "kernel")]
    assert len(stored) >= 3
    for values in stored:
        assert any(len(own) == len(values) and np.allclose(own, values, atol=1e-6) for own in kernels)


def test_correlated_inputs_leave_a_small_part_of_the_error() -> None:
    from ei_toolkit.training.rounding import STEPS, round_channels

    random = np.random.default_rng(0)
    weights = random.normal(size=(1, 40, 20))
    rows = random.normal(size=(1000, 3)) @ random.normal(size=(3, 40)) + 0.1 * random.normal(size=(1000, 40))
    steps = np.abs(weights).max(axis=1, keepdims=True) / STEPS
    nearest_steps = np.rint(weights / steps) * steps
    rounded = round_channels(weights, (rows.T @ rows)[None] / 1000)
    errors = [np.square(rows @ (one - weights)[0]).mean() for one in (rounded, nearest_steps)]
    assert errors[0] < errors[1] / 10


def test_each_weight_is_a_step_and_the_largest_and_zeros_stay() -> None:
    from ei_toolkit.training.rounding import STEPS, round_channels

    random = np.random.default_rng(0)
    weights = random.normal(size=(2, 9, 5))
    weights[0, 3] = 0
    rows = random.normal(size=(400, 2, 9)).cumsum(axis=2)
    rounded = round_channels(weights, np.einsum("rgi,rgj->gij", rows, rows) / 400)
    steps = rounded / (np.abs(weights).max(axis=1, keepdims=True) / STEPS)
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-9)
    np.testing.assert_array_equal(np.abs(rounded).max(axis=1), np.abs(weights).max(axis=1))
    assert not rounded[0, 3].any()


def test_inputs_that_are_always_zero_change_nothing() -> None:
    from ei_toolkit.training.rounding import STEPS, round_channels

    weights = np.random.default_rng(0).normal(size=(1, 4, 3))
    steps = np.abs(weights).max(axis=1, keepdims=True) / STEPS
    rounded = round_channels(weights, np.zeros((1, 4, 4)))
    np.testing.assert_allclose(rounded, np.rint(weights / steps) * steps, atol=1e-12)
