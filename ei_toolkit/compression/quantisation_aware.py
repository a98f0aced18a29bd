"""Quantisation-aware training: the network is trained with the roundings of its int8 variant.

Batch normalisations are folded into the layers before them first, as the conversion does, because the folded weights
are what is quantised. Then weights are rounded to 255 steps for each output channel, and activations to 256 steps of
the range that they had before; gradients pass as if there were no rounding (Jacob et al., 2018).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from ei_toolkit.training.folding import WEIGHTED, FoldedNormalisation, consumers

ACTIVATIONS = (keras.layers.ReLU, keras.layers.Activation)


def quantised_network(model: Any, samples: npt.NDArray[np.float32]) -> Any:
    """Return a network that computes with the roundings of int8, with ranges measured on samples (n, f)."""
    result = keras.models.clone_model(model, clone_function=_with_roundings)
    for layer in model.layers:
        own = result.get_layer(layer.name)
        own.set_weights([*layer.get_weights(), *own.get_weights()[len(layer.get_weights()) :]])
    rounded = [layer for layer in result.layers if hasattr(layer, "is_measuring")]
    for layer in rounded:
        layer.is_measuring = True
    result(samples, training=False)
    for layer in rounded:
        layer.is_measuring = False
    return result


def plain_network(quantised: Any, model: Any) -> Any:
    """Return a copy of `model`, without roundings, with the weights of the network that was trained with them."""
    result = keras.models.clone_model(model)
    for layer in model.layers:
        count = len(layer.get_weights())
        result.get_layer(layer.name).set_weights(quantised.get_layer(layer.name).get_weights()[:count])
    return result


def _with_roundings(layer: Any) -> Any:
    """Return a copy of a layer, with rounded weights and output where the int8 variant has them.

    The output of a layer is not rounded if an activation follows, which the conversion fuses with it, and if it is a
    softmax, whose int8 range is fixed.
    """
    if not isinstance(layer, (*WEIGHTED, *ACTIVATIONS, keras.layers.Add)):
        return type(layer).from_config(layer.get_config())
    kind: Any = type(layer)
    made = _rounding_class(kind).from_config(layer.get_config())
    fused = any(isinstance(one, (*ACTIVATIONS, FoldedNormalisation)) for one in consumers(layer))
    made.rounds_output = not fused and getattr(layer, "activation", None) is not keras.activations.softmax
    return made


@cache
def _rounding_class(base: Any) -> Any:
    """Return the class of a layer with roundings of its kernel and of its output."""

    class Rounding(base):  # type: ignore[misc]
        is_measuring = False
        rounds_output = True

        def build(self, input_shape: Any) -> None:
            super().build(input_shape)
            self.low = self.add_weight(name="low", shape=(), initializer="zeros", trainable=False)
            self.high = self.add_weight(name="high", shape=(), initializer="zeros", trainable=False)

        def call(self, inputs: Any) -> Any:
            output = super().call(inputs)
            if not self.rounds_output:
                return output
            if self.is_measuring:
                self.low.assign(tf.minimum(tf.reduce_min(output), 0.0))
                self.high.assign(tf.maximum(tf.reduce_max(output), 0.0))
                return output
            ends = tf.convert_to_tensor(self.low), tf.maximum(tf.convert_to_tensor(self.high), 1e-6)
            return tf.quantization.fake_quant_with_min_max_vars(output, *map(tf.stop_gradient, ends))

    if issubclass(base, WEIGHTED):
        Rounding.kernel = property(_rounded_kernel, _store_kernel)
    Rounding.__name__ = f"Rounding{base.__name__}"
    return Rounding


def _store_kernel(layer: Any, kernel: Any) -> None:
    layer._kernel = kernel


def _rounded_kernel(layer: Any) -> Any:
    """Return the kernel, rounded to 255 symmetric steps for each output channel."""
    kernel = tf.convert_to_tensor(layer._kernel)
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return tf.transpose(_rounded_channels(tf.transpose(kernel, (0, 1, 3, 2))), (0, 1, 3, 2))
    return _rounded_channels(kernel)


def _rounded_channels(kernel: Any) -> Any:
    largest = tf.reduce_max(tf.abs(kernel), axis=tuple(range(len(kernel.shape) - 1)))
    ends = tf.stop_gradient(tf.maximum(largest, 1e-6))
    return tf.quantization.fake_quant_with_min_max_vars_per_channel(kernel, -ends, ends, narrow_range=True)
