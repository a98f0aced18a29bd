"""engine = "tflite": the model as bytes and a list of operators, for an interpreter that the user installs."""

from __future__ import annotations

import re
import subprocess
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.eon.library import LibraryRequest, package
from ei_toolkit.eon.library.tflm import ARENA_BASE, ARENA_PER_OPERATOR, RESOLVER, interpreted_model
from ei_toolkit.errors import DataError

TFLM_HEADERS = Path(__file__).parent / "tflm"


def test_the_bytes_are_the_model(request_of_sample: LibraryRequest, tmp_path: Path) -> None:
    for name, text in interpreted_model(request_of_sample.tflite).files.items():
        (tmp_path / name).write_text(text)
    program = "int main() { fwrite(trained_tflite, 1, trained_tflite_len, stdout); }"
    (tmp_path / "main.cpp").write_text(f'#include <stdio.h>\n#include "trained_model.h"\n{program}\n')
    command = ["g++", "-std=gnu++14", "-Wall", "-Wextra", "-Werror", "main.cpp", "trained_model.cpp", "-o", "main"]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert subprocess.run([tmp_path / "main"], capture_output=True, check=True).stdout == request_of_sample.tflite


def test_the_operators_are_listed_once_each(request_of_sample: LibraryRequest) -> None:
    text = interpreted_model(request_of_sample.tflite).files["trained_model_ops_define.h"]
    assert "#define EITK_MODEL_OPERATORS 5" in text
    calls = re.findall(r"resolver\.Add(\w+)\(\)", text)
    assert calls == ["Conv2D", "FullyConnected", "MaxPool2D", "Reshape", "Softmax"]


@pytest.mark.parametrize("name", ["sample", "kws"])
def test_the_arena_is_enough_for_tflm(goldens: Path, name: str) -> None:
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")
    model = (goldens / "int8" / f"{name}_int8.tflite").read_bytes()
    size = interpreted_model(model).properties.arena_bytes
    runtime.Interpreter.from_bytes(model, arena_size=size)
    with pytest.raises(RuntimeError):
        runtime.Interpreter.from_bytes(model, arena_size=size - 3000)


def test_the_library_compiles_but_for_the_interpreter(request_of_sample: LibraryRequest, tmp_path: Path) -> None:
    info = package(replace(request_of_sample, engine="tflite"), tmp_path)
    with zipfile.ZipFile(info.path) as archive:
        archive.extractall(tmp_path)
    source = next(tmp_path.glob("*/src"))
    assert not (source / "eitk" / "kernels").exists()
    command = [
        "g++",
        "-std=gnu++14",
        "-fsyntax-only",
        "-Wall",
        "-Wextra",
        "-Werror",
        f"-I{source}",
        f"-I{TFLM_HEADERS}",
    ]
    for file in source.rglob("*.cpp"):
        subprocess.run([*command, str(file)], check=True)
    assert "#define EI_CLASSIFIER_COMPILED 0" in (source / "model-parameters" / "model_metadata.h").read_text()


def test_damaged_bytes_are_refused() -> None:
    with pytest.raises(DataError):
        interpreted_model(b"not a model")


def test_an_operator_without_a_name_in_tflm_is_refused(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny()
    source = model.tensor([1, 4], "float32")
    output = model.operator("SOFTMAX", [source], model.tensor([1, 4], "float32"), "SoftmaxOptions", beta=1.0)
    monkeypatch.delitem(RESOLVER, "SOFTMAX")
    with pytest.raises(DataError, match="SOFTMAX"):
        interpreted_model(model.finish(source, output))


def dense_chain(tiny: Any, widths: list[int]) -> bytes:
    """Dense layers with as many values between them."""
    model = tiny()
    tensor = source = model.tensor((1, widths[0]), scale=0.1, zero_point=-5)
    for before, after in pairwise(widths):
        weights = model.tensor((after, before), scale=0.01, data=np.ones((after, before)))
        output = model.tensor((1, after), scale=0.25, zero_point=9)
        tensor = model.operator("FULLY_CONNECTED", [tensor, weights, -1], output, "FullyConnectedOptions")
    return bytes(model.finish(source, tensor))


@settings(max_examples=12)
@given(st.lists(st.integers(1, 200), min_size=2, max_size=6))
def test_the_arena_has_room_for_the_largest_pair_of_adjacent_tensors(tiny: Any, widths: list[int]) -> None:
    padded = [-(-width // 16) * 16 for width in widths]
    layers = len(widths) - 1
    expected = max(a + b for a, b in pairwise(padded)) + ARENA_BASE + ARENA_PER_OPERATOR * layers
    assert interpreted_model(dense_chain(tiny, widths)).properties.arena_bytes == expected


def test_the_interface_has_sizes_and_quantisation_of_the_model(tiny: Any) -> None:
    text = interpreted_model(dense_chain(tiny, [6, 2])).files["model.h"]
    assert "using Input = int8_t;\nusing Output = int8_t;\n" in text
    assert "constexpr int kInputSize = 6, kOutputSize = 2;" in text
    assert "constexpr float kInputScale = 0.100000001f, kOutputScale = 0.25f;" in text
    assert "constexpr int kInputZeroPoint = -5, kOutputZeroPoint = 9;" in text


def test_a_float_model_has_no_quantisation(tiny: Any) -> None:
    model = tiny()
    source = model.tensor([1, 4], "float32")
    output = model.operator("RELU", [source], model.tensor([1, 4], "float32"))
    code = interpreted_model(model.finish(source, output))
    assert not code.properties.quantized
    assert "using Input = float;" in code.files["model.h"]
    assert "kInputScale = 1.0f, kOutputScale = 1.0f;" in code.files["model.h"]
    assert "kInputZeroPoint = 0, kOutputZeroPoint = 0;" in code.files["model.h"]


def test_whole_numbers_in_and_out_are_refused(tiny: Any) -> None:
    model = tiny()
    source = model.tensor([1, 4], "int32")
    output = model.operator("RELU", [source], model.tensor([1, 4], "int32"))
    with pytest.raises(DataError, match="t0 is int32") as caught:
        interpreted_model(model.finish(source, output))
    assert caught.value.hint == "Use int8 or float32 in and out."
