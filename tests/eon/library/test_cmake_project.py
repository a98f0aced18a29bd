"""The C++ library: a CMake project that compiles without a warning, with an example program."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ei_toolkit.eon.library import LibraryRequest, package
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.interpreter import Interpreter

WARNINGS = "-Wall -Wextra -Wshadow -Wpedantic -Wconversion -Werror"


def call(*command: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=250)
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-1000:]
    return done


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_the_project_compiles_without_a_warning_and_its_example_gives_the_scores_of_python(
    request_of_sample: LibraryRequest, tmp_path: Path, compiler: str
) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    with zipfile.ZipFile(package(replace(request_of_sample, target="zip"), tmp_path).path) as archive:
        archive.extractall(tmp_path)
    options = [f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_CXX_FLAGS={WARNINGS}", "-DCMAKE_BUILD_TYPE=Debug"]
    call("cmake", "-G", "Ninja", "-S", tmp_path, "-B", tmp_path / "build", *options)
    call("cmake", "--build", tmp_path / "build")
    window = np.random.default_rng(2).integers(-9000, 9000, 48000).astype("<i2")
    (tmp_path / "window.raw").write_bytes(window.tobytes())
    printed = call(tmp_path / "build" / "classify_samples", tmp_path / "window.raw").stdout
    block = request_of_sample.dsp_blocks[0]
    features = dsp.run(block.type, window, 16000, block.implementation_version, **block.params)
    (scores,) = Interpreter(request_of_sample.tflite).predict(features.reshape(1, -1).astype(np.float32))
    expected = [f"{label}: {score:.6f}" for label, score in zip(request_of_sample.labels, scores, strict=True)]
    assert printed.splitlines() == expected
    (tmp_path / "short.raw").write_bytes(b"\0" * 100)
    failed = call(tmp_path / "build" / "classify_samples", tmp_path / "short.raw", code=2)
    assert failed.stderr.strip() == "usage: classify_samples FILE, with 48000 samples of 16 bits"
