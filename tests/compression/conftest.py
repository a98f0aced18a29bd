"""One trained network with every kind of layer that a method changes, and the windows that it is trained on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.compression.request import CompressionData
from ei_toolkit.training.import_tensorflow import import_tensorflow

FRAMES, BANDS = 8, 6


@dataclass(frozen=True)
class Network:
    """A Keras model, its file, and its data."""

    model: Any
    file: Path
    data: CompressionData


def windows() -> CompressionData:
    """240 windows of three labels that differ in their mean, in noise; five windows are of one clip."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(48) % 3, 5)
    patterns = random.normal(size=(3, FRAMES * BANDS))
    features = (patterns[labels] + random.normal(size=(240, FRAMES * BANDS))).astype(np.float32)
    return CompressionData(
        features=features, labels=labels, names=("a", "b", "c"), clips=tuple(f"clip {n // 5}" for n in range(240)),
        groups=tuple(f"artist {n // 10}" for n in range(240)), testing=np.arange(240) >= 180,
    )  # fmt: skip


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    import_tensorflow()
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(0)
    normalisation = partial(layers.BatchNormalization, momentum=0.8)  # 36 steps: with 0.99, its means stay near 0
    inputs = keras.Input((FRAMES * BANDS,), name="x_input")
    x = layers.Reshape((FRAMES, BANDS, 1))(inputs)
    x = skip = layers.ReLU()(normalisation()(layers.Conv2D(16, 3, padding="same", use_bias=False)(x)))
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    x = layers.ReLU()(normalisation()(x))
    x = normalisation()(layers.Conv2D(16, 1)(x))
    x = layers.MaxPooling2D(2)(layers.ReLU()(layers.Add()([x, skip])))
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.Flatten()(x)])
    x = layers.Dense(16, activation="relu")(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax", name="y_pred")(x))
    data = windows()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(data.features[:180], data.labels[:180], epochs=6, verbose=0)
    file = tmp_path_factory.mktemp("network") / "network.keras"
    model.save(file)
    return Network(model, file, data)
