"""A network of convolutions with pooling over the features of a row, and dense layers, as write-up C has it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ei_toolkit.config.settings import ClassifierSettings
from ei_toolkit.errors import DataError
from ei_toolkit.training.keras_model import compile_model
from ei_toolkit.training.seeds import set_seeds

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def train_feature_cnn(
    settings: ClassifierSettings, inputs: Floats, labels: Ints, seed: int
) -> dict[str, npt.NDArray[Any]]:
    """Train on inputs (rows, features), and return kernels, offsets, weights and biases of the layers.

    Raises DataError where there are too few features for the poolings.
    """
    if inputs.shape[1] < 2 ** len(settings.filters):
        raise DataError(
            f"{inputs.shape[1]} features are too few for {len(settings.filters)} convolutions with pooling",
            hint="Raise [classifier] correlation, or shorten filters.",
        )
    set_seeds(seed)
    model = keras.Sequential([keras.Input((inputs.shape[1],)), keras.layers.Reshape((inputs.shape[1], 1))])
    for filters in settings.filters:
        model.add(keras.layers.Conv1D(filters, 3, padding="same", activation="relu"))
        model.add(keras.layers.MaxPooling1D(2))
    model.add(keras.layers.Flatten())
    for units in settings.units:
        model.add(keras.layers.Dropout(settings.dropout))
        model.add(keras.layers.Dense(units, activation="relu"))
    model.add(keras.layers.Dropout(settings.dropout))
    model.add(keras.layers.Dense(int(labels.max()) + 1, activation="softmax"))
    optimizer = keras.optimizers.AdamW(settings.learning_rate, weight_decay=settings.weight_decay)
    compile_model(model, optimizer, "sparse_categorical_crossentropy")
    model.fit(inputs, labels, batch_size=settings.batch_size, epochs=settings.epochs, verbose=0)
    return _arrays(model)


def _arrays(model: Any) -> dict[str, npt.NDArray[Any]]:
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv1D)]
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    found: dict[str, npt.NDArray[Any]] = {}
    for names, layers in ((("kernel", "offset"), convolutions), (("weights", "bias"), dense)):
        for number, layer in enumerate(layers):
            kernel, offset = layer.get_weights()
            found |= {
                f"{names[0]}{number}": kernel.astype(np.float64),
                f"{names[1]}{number}": offset.astype(np.float64),
            }
    return found
