"""Empty and wrong inputs, and outputs that cannot be written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from model_bench import reference_ports
from operator_cases import two_ends
from support import eitk

import ei_toolkit as api
from ei_toolkit.eon.compile import CompiledModel, LayerInfo, TensorSpec
from ei_toolkit.eon.run import Measured, instructions, run_host, run_image
from ei_toolkit.errors import DataError, EitkError

MODEL = Path(__file__).parents[1] / "board" / "models" / "mfe_int8.tflite"


def run_eon(folder: Path, output: str = "y.npy") -> tuple[int, str]:
    """`eitk eon run` on in.npy: exit code and stderr."""
    done = eitk(folder, "eon", "run", str(MODEL), "--input", "in.npy", "--output", output)
    return done.code, done.err


@pytest.mark.parametrize("shape", [(0,), (0, 4800), (0, 120, 40)])
def test_no_inputs_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "in.npy", np.zeros(shape, np.int8))
    code, err = run_eon(tmp_path)
    assert (code, "the array holds no inputs" in err, "--debug" in err) == (1, True, False), err


@pytest.mark.parametrize("shape", [(), (3,), (2, 7)])
def test_inputs_of_another_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "in.npy", np.zeros(shape, np.int8))
    code, err = run_eon(tmp_path)
    assert (code, "the inputs have the shape" in err) == (1, True), err


@pytest.mark.parametrize("output", ["/nonexistent/y.npy", "none/y.npy", "in.npy/y.npy", "."])
def test_outputs_that_cannot_be_written_are_named_as_they_were_given(tmp_path: Path, output: str) -> None:
    np.save(tmp_path / "in.npy", np.zeros((1, 4800), np.int8))
    code, err = run_eon(tmp_path, output)
    assert (code, f"cannot write {tmp_path / output}" in err, ".part" in err) == (2, True, False), err
    assert "try:" in err


def spec_of(dtype: str, *shape: int) -> TensorSpec:
    return TensorSpec(shape, dtype, 1.0, 0)


@pytest.fixture
def model() -> CompiledModel:
    """A model of four int8 values to two floats, without sources."""
    layers = (LayerInfo("", "RELU", ((1, 4),), (1, 2), 0, 0, ()),)
    return CompiledModel("", "", (), 0, 0, (spec_of("int8", 1, 4),), (spec_of("float32", 1, 2),), layers, "", 0)


def program(folder: Path, command: str) -> Path:
    """A shell script in place of a compiled model."""
    (folder / "run_model").write_text(f"#!/bin/sh\n{command}\n")
    (folder / "run_model").chmod(0o700)
    return folder / "run_model"


def test_inputs_go_to_the_program_in_order_and_outputs_come_back_row_by_row(
    model: CompiledModel, tmp_path: Path
) -> None:
    outputs = np.arange(4, dtype="<f4")
    (tmp_path / "expected").write_bytes(outputs.tobytes())
    inputs = np.arange(8).reshape(2, 4).astype(np.int8)
    (found,) = run_host(program(tmp_path, "cat > received; cat expected"), model, [inputs])
    assert (tmp_path / "received").read_bytes() == bytes(range(8))
    assert found.tolist() == [[0, 1], [2, 3]]


def test_a_slice_of_an_array_is_sent_as_it_is_seen(model: CompiledModel, tmp_path: Path) -> None:
    whole = np.arange(16, dtype=np.int8).reshape(4, 4)
    run_host(program(tmp_path, "cat > received; head -c 16 /dev/zero"), model, [whole[::2]])
    assert (tmp_path / "received").read_bytes() == bytes([0, 1, 2, 3, 8, 9, 10, 11])


def test_a_program_that_ends_early_is_an_error_with_the_counts(model: CompiledModel, tmp_path: Path) -> None:
    with pytest.raises(EitkError, match=r"the model's program ended early \(12 of 16 bytes\)"):
        run_host(program(tmp_path, "cat > received; head -c 12 /dev/zero"), model, [np.zeros((2, 4), np.int8)])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.zeros((1, 4)), "the inputs are float64, the model takes int8"),
        (np.zeros((0, 4), np.int8), r"the array holds no inputs \(its shape is \(0, 4\)\)"),
        (np.zeros(4, np.int8), r"the inputs have the shape \(4,\) \(one input is \(1, 4\)\)"),
        (np.zeros((1, 2, 3), np.int8), r"the inputs have the shape \(1, 2, 3\)"),
    ],
)
def test_inputs_of_another_type_or_shape_are_explained(
    model: CompiledModel, tmp_path: Path, inputs: np.ndarray, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        run_host(tmp_path / "never_run", model, [inputs])


def test_inputs_of_any_shape_with_the_right_number_of_values_are_taken(model: CompiledModel, tmp_path: Path) -> None:
    inputs = np.zeros((1, 2, 2), np.int8)
    (found,) = run_host(program(tmp_path, "cat > received; head -c 8 /dev/zero"), model, [inputs])
    assert found.shape == (1, 2)


@pytest.mark.parametrize(("ticks", "expected"), [(0, 0), (128, 5), (1280, 50), (25, 1), (3840, 150)])
def test_ticks_of_the_timer_become_instructions(ticks: int, expected: int) -> None:
    assert instructions(ticks) == expected


def test_the_report_of_an_image_has_stack_start_of_the_steps_and_each_inference(
    model: CompiledModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = np.array([512, 128, 128 + 1280, 256, 384, 5000, 5000 + 2560], "<u4")
    (tmp_path / "report.bin").write_bytes(report.tobytes())
    (tmp_path / "output.bin").write_bytes(bytes(16))
    monkeypatch.setattr("ei_toolkit.eon.run.qemu", lambda: program(tmp_path, "exit 0"))
    inputs = [np.ones((2, 4), np.int8)]
    (outputs,), measured = run_image(tmp_path / "run_model.elf", model, inputs, steps=2)
    assert (tmp_path / "input.bin").read_bytes() == bytes([1] * 8)
    assert outputs.shape == (2, 2)
    assert measured == Measured(stack_bytes=512, instructions=(50, 100), steps=(10, 15))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "there are 0 arrays of inputs"),
        ([np.zeros((2, 4), np.int8), np.zeros((3, 2), np.float32)], "the arrays hold 2, 3 inputs"),
    ],
)
def test_each_input_of_the_model_has_an_array_of_as_many_rows(
    model: CompiledModel, tmp_path: Path, inputs: list[np.ndarray], message: str
) -> None:
    two = replace(model, inputs=(*model.inputs, spec_of("float32", 1, 2)))
    with pytest.raises(DataError, match=message):
        run_host(tmp_path / "never_run", two, inputs)


def test_several_inputs_and_outputs_alternate_row_by_row(model: CompiledModel, tmp_path: Path) -> None:
    byte = spec_of("uint8", 1, 1)
    two = replace(model, inputs=(model.input, byte), outputs=(byte, model.output))
    inputs = [np.arange(8, dtype=np.int8).reshape(2, 4), np.array([[100], [200]], np.uint8)]
    (tmp_path / "expected").write_bytes(b"".join(bytes([n]) + np.array([n, -n], "<f4").tobytes() for n in (7, 9)))
    first, second = run_host(program(tmp_path, "cat > received; cat expected"), two, inputs)
    assert (tmp_path / "received").read_bytes() == bytes([0, 1, 2, 3, 100, 4, 5, 6, 7, 200])
    assert first.tolist() == [[7], [9]] and second.tolist() == [[7, -7], [9, -9]]


def test_a_model_with_two_inputs_and_two_outputs_gives_the_outputs_of_the_reference(tmp_path: Path) -> None:
    content, random = two_ends(), np.random.default_rng(2)
    inputs = [random.integers(-128, 128, (3, 6)).astype(np.int8), random.normal(0, 5, (3, 6)).astype(np.float32)]
    (tmp_path / "m.tflite").write_bytes(content)
    for name, values in zip("ab", inputs, strict=True):
        np.save(tmp_path / f"{name}.npy", values)
    files = ("--input", "a.npy", "--input", "b.npy", "--output", "c.npy", "--output", "d.npy")
    done = eitk(tmp_path, "eon", "run", "m.tflite", *files, "--json")
    assert done.code == 0, done.err
    assert [further["shape"] for further in json.loads(done.out)["further"]] == [[3, 6]]
    in_python = api.run_model(content, inputs)
    for name, found, expected in zip("cd", in_python, reference_ports(content, inputs), strict=True):
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.npy"), expected)
        np.testing.assert_array_equal(found, expected)


def test_each_output_of_the_model_has_a_file(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(two_ends())
    np.save(tmp_path / "a.npy", np.zeros((1, 6), np.int8))
    done = eitk(tmp_path, "eon", "run", "m.tflite", "--input", "a.npy", "--output", "c.npy")
    assert done.code == 2
    assert "the model has 2 outputs, and the number of --output files is 1" in done.err
