"""`eitk eon`: compile, run, profile."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support import eitk


@pytest.fixture
def folder(goldens: Path, tmp_path: Path) -> Path:
    """A folder with a model and its inputs."""
    shutil.copyfile(goldens / "int8" / "kws_int8.tflite", tmp_path / "kws.tflite")
    np.save(tmp_path / "in.npy", np.load(goldens / "int8" / "kws_int8.npz")["input"][:5])
    return tmp_path


def test_compile_writes_a_model_and_its_kernels(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, _ = eitk(folder, "eon", "compile", "kws.tflite", "-o", "cpp", "--json")
    assert code == 0
    assert {"model.h", "model.cpp"} <= {f.name for f in (folder / "cpp").iterdir()}
    assert (folder / "cpp" / "eitk" / "kernels" / "conv2d.h").is_file()


def test_run_gives_the_outputs_of_the_reference(folder: Path, goldens: Path) -> None:
    code, _, _ = eitk(folder, "eon", "run", "kws.tflite", "--input", "in.npy", "--output", "out.npy", "--json")
    assert code == 0
    expected = np.load(goldens / "int8" / "kws_int8.npz")["output"][:5]
    np.testing.assert_array_equal(np.load(folder / "out.npy"), expected)
    assert not list(folder.glob("*.part"))


@pytest.mark.arm
def test_profile_is_measured(folder: Path) -> None:
    code, out, _ = eitk(folder, "eon", "profile", "kws.tflite", "--json")
    profile = json.loads(out)
    assert code == 0 and profile["how"] == "emulated"
    assert {"flash_bytes", "ram_bytes", "stack_bytes", "instructions", "layers"} <= profile.keys()
    assert profile["instructions"] < 1_600_000


def test_without_arm_tools_the_estimate_of_the_cost_model_is_marked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    code, out, _ = eitk(folder, "eon", "profile", "kws.tflite", "--json")
    profile = json.loads(out)
    assert code == 0 and profile["how"] == "cost model"
    assert profile["instructions"] == pytest.approx(854_000, rel=0.3)
    assert profile["flash_bytes"] == pytest.approx(11_300, rel=0.2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("compile", "nothing.tflite", "-o", "x"), "cannot read"),
        (("profile", "in.npy"), "not a TensorFlow Lite model"),
        (("run", "kws.tflite", "--input", "kws.tflite", "--output", "y.npy"), "cannot read an array"),
    ],
)
def test_invalid_files_are_errors_with_a_message(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    code, out, err = eitk(folder, "eon", *arguments, "--json")
    assert code == 1 and out == "" and message in err
    assert not (folder / "x").exists() and not (folder / "y.npy").exists()


def test_inputs_of_another_type_are_rejected(folder: Path) -> None:
    np.save(folder / "float.npy", np.zeros((2, 1960), dtype=np.float32))
    code, _, err = eitk(folder, "eon", "run", "kws.tflite", "--input", "float.npy", "--output", "y.npy", "--json")
    assert code == 1 and "the model takes int8" in err
