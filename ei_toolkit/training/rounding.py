"""Round the weights of a network to the steps of int8 so that the outputs of each layer change least.

The nearest step for each weight is not the best choice: the errors of the weights of a channel add. Here the weights
of a channel are rounded one after another, and those that are left compensate the error, weighted with the
correlations of the inputs on training windows (Frantar et al., 2023). What remains of the mean error goes into the
bias (Nagel et al., 2019). The largest weight of a channel stays, so that the conversion finds the same steps, and
zeros stay, which pruning has made.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from ei_toolkit.training.folding import WEIGHTED, fold_normalisation

STEPS = 127  # of the largest weight of a channel
WINDOWS = 200  # on which the inputs of layers are measured
MOST_ROWS = 20_000  # of inputs of a layer
MOST_INPUTS = 2048  # of a channel; the time grows with the third power
DAMPING = 0.001  # of the mean square of the inputs, added to each: those that hardly vary are not relied on
Floats = npt.NDArray[np.float64]


def round_weights(model: Any, training: npt.NDArray[np.float32], seed: int) -> Any:
    """Return the network with folded normalisations and rounded weights; `training` (n, f) are windows of training.

    Layers of other kinds, with more than MOST_INPUTS inputs of a channel or that are used twice stay as they are.
    """
    folded = fold_normalisation(model)
    random = np.random.default_rng(seed)
    windows = training[random.permutation(len(training))[:WINDOWS]]
    layers = [layer for layer in folded.layers if _is_rounded(layer)]
    rounded = keras.models.clone_model(folded)
    rounded.set_weights(folded.get_weights())
    inputs = keras.Model(folded.input, [layer.input for layer in layers])(windows, training=False)
    for layer, values in zip(layers, inputs, strict=True):
        rows = _channel_inputs(layer, values)
        chosen = rows[random.permutation(len(rows))[:MOST_ROWS]].astype(np.float64)
        rounded.get_layer(layer.name).set_weights(_rounded_layer(layer, chosen))
    return rounded


def _is_rounded(layer: Any) -> bool:
    if not isinstance(layer, WEIGHTED) or len(layer._inbound_nodes) != 1 or getattr(layer, "groups", 1) != 1:
        return False
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return bool(layer.depth_multiplier == 1)
    return bool(np.prod(layer.kernel.shape[:-1]) <= MOST_INPUTS)


def _channel_inputs(layer: Any, values: Any) -> npt.NDArray[np.float32]:
    """Return what the kernel of a layer is multiplied with, (rows, groups, inputs).

    All channels of a layer take the same inputs, which are one group; a depthwise convolution has a group for each.
    """
    if isinstance(layer, keras.layers.Dense):
        return np.asarray(values).reshape(-1, 1, values.shape[-1])
    one_dimension = isinstance(layer, keras.layers.Conv1D)
    values = values[:, None] if one_dimension else values
    kernel, strides, dilation = (
        (1, *of) if one_dimension else tuple(of) for of in (layer.kernel_size, layer.strides, layer.dilation_rate)
    )
    padding = "VALID" if layer.padding == "valid" else "SAME"
    patches = tf.image.extract_patches(values, (1, *kernel, 1), (1, *strides, 1), (1, *dilation, 1), padding).numpy()
    channels = values.shape[-1]
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return np.moveaxis(patches.reshape(-1, int(np.prod(kernel)), channels), 1, 2)
    return np.asarray(patches.reshape(-1, 1, patches.shape[-1]))


def _rounded_layer(layer: Any, rows: Floats) -> list[npt.NDArray[Any]]:
    """Return the weights of a layer for inputs (rows, groups, inputs); a bias takes the mean error of each output."""
    kernel, *bias = layer.get_weights()
    groups, inputs = rows.shape[1:]
    weights = kernel.reshape(inputs, groups, -1).swapaxes(0, 1)
    moments = np.einsum("rgi,rgj->gij", rows, rows, optimize=True) / len(rows)
    found = round_channels(weights, moments)
    error = rows.mean(axis=0)[:, None] @ (weights - found)
    return [found.swapaxes(0, 1).reshape(kernel.shape), *(values + error.ravel() for values in bias)]


def round_channels(weights: npt.NDArray[Any], moments: Floats) -> Floats:
    """Return rounded weights (groups, inputs, channels) for mean products of the inputs (groups, inputs, inputs)."""
    left = np.array(weights, np.float64)
    inputs = left.shape[1]
    largest = np.abs(left).max(axis=1, keepdims=True)
    step = np.where(largest > 0, largest, 1) / STEPS
    kept = (np.abs(left) == largest) | (left == 0)
    damping = DAMPING * np.trace(moments, axis1=1, axis2=2) / inputs + np.finfo(np.float32).tiny
    inverse = np.linalg.inv(moments + damping[:, None, None] * np.eye(inputs))
    # row i, beside its diagonal: how the weights behind i compensate an error of weight i
    compensation = np.linalg.cholesky(inverse).swapaxes(1, 2)
    rounded = np.empty_like(left)
    for index in range(inputs):
        nearest = np.clip(np.rint(left[:, index] / step[:, 0]), -STEPS, STEPS) * step[:, 0]
        rounded[:, index] = np.where(kept[:, index], weights[:, index], nearest)
        error = (left[:, index] - rounded[:, index]) / compensation[:, index, index, None]
        left[:, index + 1 :] -= compensation[:, index, index + 1 :, None] * error[:, None]
    return rounded
