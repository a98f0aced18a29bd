"""Edge Impulse's visual layers as a Keras model, with the semantics of the script that its Studio generates.

A convolution with `stack` n is n convolutions and then one pooling by 2 ("same" padding). Two-dimensional ones carry
MaxNorm(1), dense ones an L1 activity penalty of 1e-5; the output is a softmax named `y_pred`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ei_toolkit.errors import ConfigurationError

VisualLayer = Mapping[str, Any]
CONVOLUTIONS = ("conv1d", "conv2d")
LARGEST = 4096  # neurons, columns: beyond this a layer is a mistake, not a model for a board


def build_model(layers: Sequence[VisualLayer], n_features: int, n_classes: int, noise: float = 0.0) -> Any:
    """An uncompiled keras.Sequential from (n, n_features) to (n, n_classes) probabilities.

    `noise` is the deviation of Gaussian noise added to the features while training. Raises ConfigurationError for a
    layer that is unknown, incomplete or does not fit the one before it.
    """
    import keras

    used = [layer for layer in layers if layer.get("enabled", True)]
    model = keras.Sequential([keras.Input((n_features,), name="x_input")])
    if noise > 0:
        model.add(keras.layers.GaussianNoise(noise))
    for index, layer in enumerate(used):
        for made in _keras_layers(layer, used[index + 1 :], n_features):
            _add(model, made, f"layer {index + 1} ({layer.get('type')})")
    if model.layers and len(model.output_shape) != 2:
        raise ConfigurationError(
            f"the last layer gives {model.output_shape[1:]}, and the output needs a flat vector",
            hint="Put a flatten layer in front of the output.",
        )
    model.add(keras.layers.Dense(n_classes, activation="softmax", name="y_pred"))
    return model


def _add(model: Any, layer: Any, name: str) -> None:
    try:
        model.add(layer)
    except ValueError as error:
        raise ConfigurationError(
            f"{name} does not fit the layer before it",
            why=str(error).splitlines()[0],
            hint="Convolutions need a reshape layer in front; dense layers behind one need a flatten layer.",
        ) from None


def _keras_layers(layer: VisualLayer, rest: Sequence[VisualLayer], n_features: int) -> Iterator[Any]:
    kind = str(layer.get("type"))
    makers: dict[str, Callable[[], Iterator[Any]]] = {
        "conv1d": lambda: _convolution(layer),
        "conv2d": lambda: _convolution(layer),
        "dense": lambda: _dense(layer),
        "reshape": lambda: _reshape(layer, rest, n_features),
        "flatten": _flatten,
        "dropout": lambda: _dropout(layer),
        "batchNormalization": _batch_normalisation,
    }
    if kind not in makers:
        raise ConfigurationError(f"there is no visual layer {kind!r} here", hint="Layers: " + ", ".join(makers) + ".")
    return makers[kind]()


def _convolution(layer: VisualLayer) -> Iterator[Any]:
    import keras

    filters, kernel = _whole(layer, "neurons"), _whole(layer, "kernelSize", 3)
    flat = layer["type"] == "conv1d"
    for _ in range(_whole(layer, "stack", 1)):
        if flat:
            yield keras.layers.Conv1D(filters, kernel, padding="same", activation="relu")
        else:
            limit = keras.constraints.MaxNorm(1)
            yield keras.layers.Conv2D(filters, kernel, padding="same", activation="relu", kernel_constraint=limit)
    pool = keras.layers.MaxPooling1D if flat else keras.layers.MaxPooling2D
    yield pool(2, strides=2, padding="same")


def _dense(layer: VisualLayer) -> Iterator[Any]:
    import keras

    penalty = keras.regularizers.L1(1e-5)
    yield keras.layers.Dense(_whole(layer, "neurons"), activation="relu", activity_regularizer=penalty)


def _reshape(layer: VisualLayer, rest: Sequence[VisualLayer], n_features: int) -> Iterator[Any]:
    """(frames, columns), with a channel where the next convolution is two-dimensional."""
    import keras

    columns = _whole(layer, "columns")
    if n_features % columns:
        raise ConfigurationError(
            f"{n_features} features cannot be reshaped to {columns} columns",
            hint="Set columns to the number of features in a frame.",
        )
    following = next((item["type"] for item in rest if item.get("type") in CONVOLUTIONS), "conv1d")
    shape = (n_features // columns, columns)
    yield keras.layers.Reshape((*shape, 1) if following == "conv2d" else shape)


def _flatten() -> Iterator[Any]:
    import keras

    yield keras.layers.Flatten()


def _dropout(layer: VisualLayer) -> Iterator[Any]:
    import keras

    rate = layer.get("dropoutRate")
    if not isinstance(rate, (int, float)) or not 0 <= rate < 1:
        raise ConfigurationError(f"dropoutRate = {rate!r} is not a number from 0 up to 1")
    yield keras.layers.Dropout(rate)


def _batch_normalisation() -> Iterator[Any]:
    import keras

    yield keras.layers.BatchNormalization()


def _whole(layer: VisualLayer, key: str, default: int | None = None) -> int:
    value = layer.get(key, default)
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    number = int(value) if whole else 0
    if not 1 <= number <= LARGEST:
        raise ConfigurationError(
            f"{key} = {value!r} of a {layer.get('type')} layer is not a number from 1 to {LARGEST}"
        )
    return number
