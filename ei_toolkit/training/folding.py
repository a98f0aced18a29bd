"""Fold batch normalisations into the layers before them, as the conversion to .tflite does.

The folded weights are what is quantised. Loads Keras: imported only where a network is trained or converted.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

WEIGHTED = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
"""Layers whose weights are quantised for each output channel."""


class FoldedNormalisation(keras.layers.Layer):  # type: ignore[misc]
    """What stands in place of a batch normalisation: nothing is left to compute."""

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        """Return the inputs."""
        return inputs


def fold_normalisation(model: Any) -> Any:
    """Return the same network with each batch normalisation that follows a weighted layer folded into its weights.

    It is not compiled: its optimizer could be of a class that only the training script knows.
    """
    model = keras.Model(model.input, model.output)
    folded = {id(before): after for before, after in _pairs(model)}
    removed = {id(after) for after in folded.values()}

    def without(layer: Any) -> Any:
        config = layer.get_config()
        if id(layer) in folded:
            return type(layer).from_config(config | {"use_bias": True})
        if id(layer) in removed:
            return FoldedNormalisation(name=layer.name)
        return type(layer).from_config(config)

    result = keras.models.clone_model(model, clone_function=without)
    for layer in model.layers:
        if id(layer) in folded:
            result.get_layer(layer.name).set_weights(_folded_weights(layer, folded[id(layer)]))
        elif id(layer) not in removed:
            result.get_layer(layer.name).set_weights(layer.get_weights())
    return result


def _pairs(model: Any) -> list[tuple[Any, Any]]:
    """Return each weighted layer without activation whose only consumer is a batch normalisation, with that one."""
    found = []
    for layer in model.layers:
        after = consumers(layer)
        linear = isinstance(layer, WEIGHTED) and layer.activation is keras.activations.linear
        if linear and len(after) == 1 and isinstance(after[0], keras.layers.BatchNormalization):
            found.append((layer, after[0]))
    return found


def consumers(layer: Any) -> list[Any]:
    """Return the layers that take the output of a layer."""
    return list({id(node.operation): node.operation for node in layer._outbound_nodes}.values())


def _folded_weights(layer: Any, normalisation: Any) -> list[npt.NDArray[np.float32]]:
    kernel = layer.kernel.numpy()
    bias = layer.bias.numpy() if layer.use_bias else 0
    gain = 1 / np.sqrt(normalisation.moving_variance.numpy() + normalisation.epsilon)
    gain = gain * normalisation.gamma.numpy() if normalisation.scale else gain
    offset = normalisation.beta.numpy() if normalisation.center else 0
    by_channel = gain[:, None] if isinstance(layer, keras.layers.DepthwiseConv2D) else gain
    return [kernel * by_channel, (bias - normalisation.moving_mean.numpy()) * gain + offset]
