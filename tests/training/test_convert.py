"""A conversion prints nothing of TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest

from ei_toolkit.training.convert import CONVERTER_NOTE, int8_model
from ei_toolkit.training.import_tensorflow import import_tensorflow


def test_a_conversion_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    keras = import_tensorflow().keras
    given = keras.Input((8,))
    model = keras.Model(given, keras.layers.Dense(2, activation="softmax")(given))
    capfd.readouterr()  # what TensorFlow printed when it was imported
    assert int8_model(model, np.random.default_rng(0).random((20, 8), np.float32), 1)[4:8] == b"TFL3"
    assert capfd.readouterr() == ("", "")


def test_errors_of_the_converter_are_still_printed() -> None:
    printed = b"fully_quantize: 0, inference_type: 6\nW0000 00:00:1 x.cc:3] a note\nE0000 00:00:1 x.cc:4] an error\n"
    assert CONVERTER_NOTE.sub(b"", printed) == b"E0000 00:00:1 x.cc:4] an error\n"
