"""Libraries around other models and blocks: MFE, MFCC, several blocks, ten labels, float32."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.eon.library import LibraryDspBlock, LibraryRequest
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.interpreter import Interpreter

FRAMES = {"frame_length": 0.032, "frame_stride": 0.032}
MFE = LibraryDspBlock(5, "mfe", 4, {**FRAMES, "fft_length": 512, "num_filters": 20, "noise_floor_db": -65})
MFCC = LibraryDspBlock(9, "mfcc", 4, {**FRAMES, "fft_length": 512, "win_size": 21})
TEN = tuple(f"genre {i}" for i in range(10))


def dense(tiny: Any, features: int, classes: int, dtype: str, *, unsigned: bool = False) -> bytes:
    """One dense layer with random weights, and softmax; if `unsigned`, with uint8 ends and the scores as an output."""
    rng, model, whole = np.random.default_rng(classes), tiny(), dtype == "int8"
    weights = rng.integers(-127, 128, (classes, features)) if whole else rng.normal(0, 0.02, (classes, features))
    bias = rng.integers(-500, 500, classes) if whole else rng.normal(0, 0.1, classes)
    source = model.tensor([1, features], dtype, 0.02 if whole else None, -40)
    first = model.tensor([1, features], "uint8", 0.02, 88)
    last = model.tensor([1, classes], "uint8", 1 / 256, 0)
    if unsigned:
        model.operator("QUANTIZE", [first], source, "QuantizeOptions")
    kernel = model.tensor([classes, features], dtype, 0.0002 if whole else None, data=weights)
    offset = model.tensor([classes], "int32" if whole else dtype, 0.000004 if whole else None, data=bias)
    scores = model.tensor([1, classes], dtype, 0.05 if whole else None, 3)
    output = model.tensor([1, classes], dtype, 1 / 256 if whole else None, -128)
    model.operator("FULLY_CONNECTED", [source, kernel, offset], scores, "FullyConnectedOptions")
    model.operator("SOFTMAX", [scores], output, "SoftmaxOptions", beta=1.0)
    if unsigned:
        return model.finish(
            first, model.operator("QUANTIZE", [output], last, "QuantizeOptions"), further_outputs=[scores]
        )
    return model.finish(source, output)


def request_for(tflite: bytes, blocks: tuple[LibraryDspBlock, ...], labels: tuple[str, ...]) -> LibraryRequest:
    return LibraryRequest("Ten Genres", 7, "o", 1, labels, tflite, 16000, 16000, blocks)


def windows() -> npt.NDArray[np.int16]:
    rng = np.random.default_rng(2)
    walks = np.cumsum(rng.normal(0, 300, (8, 16000)), axis=1) * np.linspace(0.02, 1, 8)[:, None]
    return np.clip(np.round(walks + rng.normal(0, 200, walks.shape)), -32768, 32767).astype(np.int16)


def features(blocks: tuple[LibraryDspBlock, ...], samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    parts = [dsp.run_many(b.type, samples, 16000, b.implementation_version, **b.params) for b in blocks]
    return np.concatenate(parts, axis=1).astype(np.float32)


def answers(program: Path, samples: npt.NDArray[np.int16]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8]]:
    done = subprocess.run([program, "once"], input=samples.tobytes(), capture_output=True, check=True, text=False)
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    values, quantised = np.array([float(r[1]) for r in rows]), np.array([int(r[2]) for r in rows], np.int8)
    return values.reshape(len(samples), -1), quantised.reshape(len(samples), -1)


def test_ten_labels_from_mfe(tiny: Any, build_program: Callable[..., Path]) -> None:
    request = request_for(dense(tiny, 31 * 20, 10, "int8"), (MFE,), TEN)
    samples = windows()
    values, scores = answers(build_program(request), samples)
    expected = Interpreter(request.tflite).predict_int8(features((MFE,), samples))
    assert np.array_equal(scores, expected)
    assert np.allclose(values, (expected + 128.0) / 256)


def test_two_blocks_side_by_side(tiny: Any, build_program: Callable[..., Path]) -> None:
    blocks = (MFE, MFCC)
    request = request_for(dense(tiny, 31 * 33, 3, "int8"), blocks, ("a", "b", "c"))
    samples = windows()
    _, scores = answers(build_program(request), samples)
    assert np.array_equal(scores, Interpreter(request.tflite).predict_int8(features(blocks, samples)))


def test_float_models(tiny: Any, build_program: Callable[..., Path]) -> None:
    request = replace(request_for(dense(tiny, 31 * 20, 10, "float32"), (MFE,), TEN), model_type="float32")
    samples = windows()
    values, _ = answers(build_program(request), samples)
    assert np.abs(values - Interpreter(request.tflite).predict(features((MFE,), samples))).max() < 1e-5


def test_raw_samples_with_uint8_ends_and_two_outputs(tiny: Any, build_program: Callable[..., Path]) -> None:
    raw = (LibraryDspBlock(2, "raw", 1, {"scale_axes": 0.001}),)
    tflite = dense(tiny, 784, 4, "int8", unsigned=True)
    request = replace(request_for(tflite, raw, ("a", "b", "c", "d")), window_samples=784)
    samples = windows()[:, :784]
    _, scores = answers(build_program(request), samples)
    expected = (samples.astype(np.float32) * np.float32(0.001)).astype(np.float32)
    assert np.array_equal(scores, Interpreter(dense(tiny, 784, 4, "int8")).predict_int8(expected))
