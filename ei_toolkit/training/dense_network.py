"""A network of dense layers with dropout and batch normalisation, for features that are no time series."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt

from ei_toolkit.config.settings import ClassifierSettings
from ei_toolkit.training.keras_model import compile_model
from ei_toolkit.training.seeds import set_seeds

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def train_dense(
    settings: ClassifierSettings, inputs: Floats, labels: Ints, seed: int
) -> tuple[list[Floats], list[Floats]]:
    """Train a network of dense layers with dropout; return weights and biases with the normalisations folded in."""
    set_seeds(seed)
    model = keras.Sequential([keras.Input((inputs.shape[1],))])
    for units in settings.units:
        model.add(keras.layers.Dense(units))
        if settings.batch_normalization:
            model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.ReLU())
        model.add(keras.layers.Dropout(settings.dropout))
    model.add(keras.layers.Dense(int(labels.max()) + 1, activation="softmax"))
    optimizer = keras.optimizers.AdamW(settings.learning_rate, weight_decay=settings.weight_decay)
    compile_model(model, optimizer, "sparse_categorical_crossentropy")
    model.fit(inputs, labels, batch_size=settings.batch_size, epochs=settings.epochs, verbose=0)
    weights: list[Floats] = []
    biases: list[Floats] = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            kernel, bias = layer.get_weights()
            weights.append(kernel.astype(np.float64))
            biases.append(bias.astype(np.float64))
        elif isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            gain = gamma / np.sqrt(variance + layer.epsilon)
            weights[-1], biases[-1] = weights[-1] * gain, (biases[-1] - mean) * gain + beta
    return weights, biases
