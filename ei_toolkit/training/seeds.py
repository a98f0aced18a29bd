"""Seed a training, also in a process with other threads."""

from __future__ import annotations

import random


def set_seeds(seed: int) -> None:
    """Seed the random numbers of Python, NumPy, TensorFlow and Keras.

    Keras draws the seeds of layers from Python's generator. It gets one of its own here, because the threads of a Dask
    worker draw from Python's while the worker trains, and the model would be another one.
    """
    import keras
    from keras.src.random import seed_generator
    from keras.src.utils import rng_utils

    seed_generator.python_random = rng_utils.random = random.Random()
    random.seed(seed)
    keras.utils.set_random_seed(seed)
