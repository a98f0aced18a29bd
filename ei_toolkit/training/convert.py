"""Convert a Keras model to .tflite: float32, and int8 by full-integer quantisation."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.config.native_stderr import captured_stderr, print_native

REPRESENTATIVE_WINDOWS = 400
CONVERTER_NOTE = (
    re.compile(  # what the converter and the logging of TensorFlow print in C++, below the level of an error
        rb"^(fully_quantize: |WARNING: All log messages before absl|[IW]\d{4} \d\d:).*\n?", re.MULTILINE
    )
)


def float32_model(model: Any) -> bytes:
    """Return the .tflite bytes of a Keras model with batch size 1."""
    return _converted(_converter(model))


def int8_model(model: Any, training: npt.NDArray[np.float32], seed: int, per_channel: bool = True) -> bytes:
    """Return the fully quantised .tflite bytes, with int8 input and output.

    Ranges are measured on up to 400 windows of `training` (n, f), which must not include validation or test windows.
    """
    return quantised_model(model, training[representative_windows(len(training), seed)], per_channel)


def representative_windows(count: int, seed: int) -> npt.NDArray[np.int64]:
    """Return which of `count` training windows the ranges of an int8 model are measured on: at most 400."""
    return np.random.default_rng(seed).permutation(count)[:REPRESENTATIVE_WINDOWS]


def quantised_model(model: Any, windows: npt.NDArray[np.float32], per_channel: bool = True) -> bytes:
    """Return the bytes of `int8_model` with ranges that are measured on all `windows`, shape (n, f)."""
    import tensorflow as tf

    def representative() -> Iterator[list[npt.NDArray[np.float32]]]:
        return ([window[None].astype(np.float32)] for window in windows)

    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    converter._experimental_disable_per_channel = not per_channel
    return _converted(converter)


def _converter(model: Any) -> Any:
    """Return a converter for batch size 1; an unknown batch size would add SHAPE, STRIDED_SLICE and PACK.

    It converts a function: of a Keras model it would export a SavedModel first, which takes most of the time.
    """
    import tensorflow as tf

    predict = tf.function(lambda x_input: model(x_input, training=False))
    one_window = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="x_input")
    module = tf.Module()
    module.predict = predict.get_concrete_function(one_window)
    return tf.lite.TFLiteConverter.from_concrete_functions([module.predict], module)


def _converted(converter: Any) -> bytes:
    """Convert without the converter's messages about temporary files, input statistics and types of quantisation."""
    printed = bytearray()
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), captured_stderr(printed):
            warnings.filterwarnings("ignore", "Statistics for quantized inputs were expected")
            return bytes(converter.convert())
    finally:
        print_native(CONVERTER_NOTE.sub(b"", bytes(printed)))
