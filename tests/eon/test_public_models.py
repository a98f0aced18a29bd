"""Public models do what their list asks for: exact outputs, or a rejection that names the cause."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from model_bench import Bench, inputs_for, reference, with_bias_axes

from ei_toolkit.eon.blockers import SIGNAL, BlockedModelError
from ei_toolkit.eon.compile import compile_model

EXACT = ("micro_speech", "mnist_lstm_int8", "mww1_alexa", "mww2_hey_jarvis", "mww2_vad", "person_detect")
STREAMING_FRAMES = 300


def inputs_of(name: str, model: bytes) -> np.ndarray:
    """Some inputs; for streaming models many frames, loud and quiet ones, so that the state matters."""
    if not name.startswith("mww"):
        return inputs_for(model, 3, 1)
    random, spec = np.random.default_rng(1), compile_model(model).input
    frames = random.integers(-128, 128, (STREAMING_FRAMES, spec.elements)).astype(np.int8)
    frames[100:200] = np.clip(random.normal(-60, 60, frames[100:200].shape), -128, 127)
    return frames


@pytest.mark.parametrize(
    ("arm", "ram_optimized"),
    [
        (False, False),
        pytest.param(False, True, marks=pytest.mark.exhaustive),
        pytest.param(True, False, marks=(pytest.mark.exhaustive, pytest.mark.arm)),
        pytest.param(True, True, marks=(pytest.mark.exhaustive, pytest.mark.arm)),
    ],
)
def test_outputs_are_those_of_the_reference_interpreter(
    models: Path, tmp_path: Path, arm: bool, ram_optimized: bool
) -> None:
    contents = [(models / f"{name}.tflite").read_bytes() for name in EXACT]
    inputs = [inputs_of(name, content) for name, content in zip(EXACT, contents, strict=True)]
    found = Bench(tmp_path).outputs(contents, inputs, arm=arm, ram_optimized=ram_optimized)
    for name, content, values, outputs in zip(EXACT, contents, inputs, found, strict=True):
        expected = reference(with_bias_axes(content) if name == "person_detect" else content, values)
        np.testing.assert_array_equal(outputs, expected, err_msg=name)
        assert len(np.unique(expected)) > 1, name


def test_dynamic_range_weights_are_dequantised_with_a_warning(models: Path) -> None:
    compiled = compile_model((models / "toycar_dynamic.tflite").read_bytes())
    (warning,) = compiled.warnings
    assert f"{compiled.dequantized_bytes:,} bytes more" in warning and compiled.dequantized_bytes > 700_000


def test_operators_that_compute_features_are_named(models: Path) -> None:
    with pytest.raises(BlockedModelError) as caught:
        compile_model((models / "audio_preprocessor.tflite").read_bytes())
    signal = [blocker.kind for blocker in caught.value.blockers if blocker.remedy == SIGNAL]
    assert "CUSTOM SignalWindow" in signal and "CUSTOM SignalFilterBankLog" in signal and len(signal) == 9
