"""Edge Impulse's visual layers as a Keras model, with the semantics of the script that its Studio generates.

A convolution with `stack` n is n convolutions and then one pooling by 2 ("same" padding). Two-dimensional ones have
MaxNorm(1), dense ones an L1 activity penalty of 1e-5; the output is a softmax named `y_pred`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.layers import CONVOLUTIONS, VisualLayer, is_enabled, layer_parameters


def build_model(layers: Sequence[VisualLayer], n_features: int, n_classes: int, noise: float = 0.0) -> Any:
    """Return an uncompiled keras.Sequential from (n, n_features) to (n, n_classes) probabilities.

    `noise` is the deviation of Gaussian noise added to the features while training. Raises ConfigurationError for a
    layer that is unknown, incomplete or does not fit the one before it.
    """
    import keras

    used = [layer for layer in layers if is_enabled(layer)]
    model = keras.Sequential([keras.Input((n_features,), name="x_input")])
    if noise > 0:
        model.add(keras.layers.GaussianNoise(noise))
    for index, layer in enumerate(used):
        for made in _keras_layers(layer, used[index + 1 :], n_features):
            _add(model, made, f"layer {index + 1} ({layer.get('type')})")
    if model.layers and len(model.output_shape) != 2:
        raise ConfigurationError(
            f"the last layer gives {model.output_shape[1:]}, and the output needs a flat vector",
            hint="Add a flatten layer before the output.",
        )
    model.add(keras.layers.Dense(n_classes, activation="softmax", name="y_pred"))
    return model


def compile_model(model: Any, optimizer: Any, loss: Any, **options: Any) -> None:
    """Compile with all variables of the optimizer, so that TensorFlow traces a step once and not twice.

    That needs metrics as objects, too: Keras makes the variables of one that is only named in the first step.
    """
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, loss, **options)


def _add(model: Any, layer: Any, name: str) -> None:
    try:
        model.add(layer)
    except ValueError as error:
        raise ConfigurationError(
            f"{name} does not fit the layer before it",
            why=str(error).splitlines()[0],
            hint="Convolutions need a reshape layer before them, and dense layers after them a flatten layer.",
        ) from None


def _keras_layers(layer: VisualLayer, rest: Sequence[VisualLayer], n_features: int) -> Iterator[Any]:
    import keras

    kind, values = layer.get("type"), layer_parameters(layer)
    if kind in CONVOLUTIONS:
        yield from _convolution(str(kind), **values)
    elif kind == "reshape":
        yield _reshape(values["columns"], rest, n_features)
    elif kind == "dense":
        yield keras.layers.Dense(values["units"], activation="relu", activity_regularizer=keras.regularizers.L1(1e-5))
    elif kind == "dropout":
        yield keras.layers.Dropout(values["rate"])
    elif kind == "flatten":
        yield keras.layers.Flatten()
    else:
        yield keras.layers.BatchNormalization()


def _convolution(kind: str, filters: int, kernel: int, stack: int) -> Iterator[Any]:
    import keras

    for _ in range(stack):
        if kind == "conv1d":
            yield keras.layers.Conv1D(filters, kernel, padding="same", activation="relu")
        else:
            limit = keras.constraints.MaxNorm(1)
            yield keras.layers.Conv2D(filters, kernel, padding="same", activation="relu", kernel_constraint=limit)
    pool = keras.layers.MaxPooling1D if kind == "conv1d" else keras.layers.MaxPooling2D
    yield pool(2, strides=2, padding="same")


def _reshape(columns: int, rest: Sequence[VisualLayer], n_features: int) -> Any:
    """Reshape to (frames, columns), with a channel where the next convolution is two-dimensional."""
    import keras

    if n_features % columns:
        raise ConfigurationError(
            f"{n_features} features cannot be reshaped to {columns} columns",
            hint="Set columns to the number of features in a frame.",
        )
    following = next((item["type"] for item in rest if item.get("type") in CONVOLUTIONS), "conv1d")
    shape = (n_features // columns, columns)
    return keras.layers.Reshape((*shape, 1) if following == "conv2d" else shape)
