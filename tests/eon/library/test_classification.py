"""Libraries built for this machine and called as by a sketch, compared with Python on the same windows."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ei_toolkit.eon.library import LibraryRequest
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.interpreter import Interpreter

SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def windows(count: int) -> npt.NDArray[np.int16]:
    rng = np.random.default_rng(5)
    time = np.arange(48000) / 16000
    tones = [np.sin(2 * np.pi * rng.uniform(50, 4000) * time) * 10 ** rng.uniform(0, 4.4) for _ in range(count)]
    return np.clip(np.round(tones + rng.normal(0, 30, (count, 48000))), -32768, 32767).astype(np.int16)


def classify(program: Path, mode: str, samples: npt.NDArray[np.int16]) -> tuple[list[str], npt.NDArray[np.int8]]:
    """Return labels and int8 scores, one row for each classification."""
    done = subprocess.run([program, mode], input=samples.tobytes(), capture_output=True, check=True)
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    labels = list(dict.fromkeys(row[0] for row in rows))
    return labels, np.array([int(row[2]) for row in rows], np.int8).reshape(-1, len(labels))


def python_scores(request: LibraryRequest, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int8]:
    block = request.dsp_blocks[0]
    features = dsp.run_many(block.type, samples, 16000, block.implementation_version, **block.params)
    return Interpreter(request.tflite).predict_int8(features.astype(np.float32))


@pytest.fixture(scope="module")
def program(request_of_sample: LibraryRequest, build_program: Callable[..., Path]) -> Path:
    return build_program(request_of_sample, *SANITIZERS)


def test_scores_are_those_of_python(request_of_sample: LibraryRequest, program: Path) -> None:
    samples = windows(10)
    labels, scores = classify(program, "once", samples)
    assert labels == ["classical", "rock"]
    assert np.array_equal(scores, python_scores(request_of_sample, samples))


def test_less_ram_gives_the_same_scores(request_of_sample: LibraryRequest, build_program: Callable[..., Path]) -> None:
    request, samples = replace(request_of_sample, engine="tflite-eon-ram-optimized"), windows(4)
    _, scores = classify(build_program(request), "once", samples)
    assert np.array_equal(scores, python_scores(request, samples))


def test_a_stream_is_classified_as_its_windows_are(request_of_sample: LibraryRequest, program: Path) -> None:
    samples = windows(3)
    _, scores = classify(program, "continuous", samples)
    stream = samples.reshape(-1)
    whole = np.array([stream[end - 48000 : end] for end in range(48000, len(stream) + 1, 12000)])
    assert np.array_equal(scores[3:], python_scores(request_of_sample, whole))


def test_invalid_signals_are_rejected(program: Path) -> None:
    subprocess.run([program, "rejected"], check=True)


def test_names_of_every_kind_compile(request_of_sample: LibraryRequest, build_program: Callable[..., Path]) -> None:
    labels = ('hip-hop "live"', "Größe ??/ 音")
    request = replace(request_of_sample, project_name="Jürgen's Box */ 2", owner='a"b\\', labels=labels)
    found, _ = classify(build_program(request), "once", windows(1))
    assert tuple(found) == labels
