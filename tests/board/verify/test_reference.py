"""Scores of the int8 model in Python for the windows of a clip."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_model import TinyModel

from ei_toolkit.audio.level import apply_level
from ei_toolkit.board.verify import reference as reference_module
from ei_toolkit.board.verify.reference import Reference
from ei_toolkit.config import DspBlock, ImpulseSettings, Settings, SliceSettings
from ei_toolkit.errors import DataError
from ei_toolkit.impulse.interpreter import Interpreter

BLOCK = DspBlock("spectrogram", 4, params={"frame_length": 0.02, "frame_stride": 0.02, "fft_length": 64})
SETTINGS = Settings(
    slice=SliceSettings(window_ms=100, hop_ms=50, level="rms"), impulse=ImpulseSettings(dsp=(BLOCK,))
)  # fmt: skip
FEATURES = 5 * 33
TIME = np.arange(16_000) / 16_000
NOISE = np.random.default_rng(1).normal(0, 300, len(TIME))
SAMPLES = (8000 * np.sin(2 * np.pi * (200 + 3000 * TIME) * TIME) + NOISE).astype(np.int16)  # a rising tone


def model(dtype: str) -> bytes:
    """Two classes from the features of a window."""
    tiny, random = TinyModel(), np.random.default_rng(2)
    quant: list[dict[str, Any]] = [{"scale": 1 / 64}, {"scale": 1 / 16}, {"scale": 1 / 256, "zero_point": -128}]
    sizes = (FEATURES, 2, 2)
    source, sums, output = (
        tiny.tensor((1, n), dtype, **(quant[i] if dtype == "int8" else {})) for i, n in enumerate(sizes)
    )
    data = random.integers(-90, 90, (2, FEATURES))
    weights = tiny.tensor((2, FEATURES), dtype, data=data, **({"scale": 0.01} if dtype == "int8" else {}))
    tiny.operator("FULLY_CONNECTED", [source, weights, -1], sums, "FullyConnectedOptions")
    tiny.operator("SOFTMAX", [sums], output, "SoftmaxOptions", beta=1.0)
    return tiny.finish(source, output)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference(SETTINGS, Interpreter(model("int8")))


def test_a_window_ends_before_the_sample_that_is_given(reference: Reference) -> None:
    ends = [1600, 2400, 16_000]
    found = reference.scores(SAMPLES, ends)
    expected = [reference.score_window(SAMPLES[end - 1600 : end]).tolist() for end in ends]
    assert (found.dtype, found.tolist()) == (np.int8, expected)
    assert len({tuple(row) for row in expected}) > 1


def test_batches_give_what_all_windows_together_give(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = list(range(1600, 16_001, 800))
    whole = reference.scores(SAMPLES, ends)
    monkeypatch.setattr(reference_module, "BATCH", 4)
    assert np.array_equal(reference.scores(SAMPLES, ends), whole)


def test_windows_have_the_level_of_the_board(reference: Reference) -> None:
    window = SAMPLES[:1600]
    assert np.array_equal(reference.levelled(window), apply_level(window, "rms", -20.0, 40.0))
    quiet = reference.score_window((window // 4).astype(np.int16))
    assert np.abs(quiet.astype(int) - reference.score_window(window)).max() <= 8
    assert reference.window == 1600


def test_a_float_model_cannot_be_compared_with_a_board(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(model("float32"))
    with pytest.raises(DataError, match="the pinned model is float32") as caught:
        Reference.load(SETTINGS, tmp_path / "model.tflite")
    assert 'model_type = "int8"' in caught.value.hint
    (tmp_path / "model.tflite").write_bytes(model("int8"))
    assert Reference.load(SETTINGS, tmp_path / "model.tflite").interpreter.is_int8


def test_a_model_of_another_impulse_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(model("int8"))
    longer = replace(SETTINGS, slice=replace(SETTINGS.slice, window_ms=200))
    with pytest.raises(DataError, match=r"takes 165 features, the impulse gives 330") as caught:
        Reference.load(longer, tmp_path / "model.tflite")
    assert "eitk train --eon" in caught.value.hint
