"""engine = "tflite": the model as bytes and a list of operators, for an interpreter that the user installs."""

from __future__ import annotations

import re
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.eon.library import LibraryRequest, package
from ei_toolkit.eon.library.tflm import RESOLVER, interpreted_model
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
