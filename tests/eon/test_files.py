"""Model files of the command line: what cannot be read, written or run is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.eon import files
from ei_toolkit.eon.compile import compile_model
from ei_toolkit.eon.files import read_bytes, run_file, write_compiled
from ei_toolkit.errors import DataError


@pytest.fixture
def model(tiny: Any, tmp_path: Path) -> Path:
    """A file with a RELU of four values."""
    made = tiny()
    source, output = made.tensor((1, 4), scale=0.1), made.tensor((1, 4), scale=0.1)
    made.operator("RELU", [source], output)
    (tmp_path / "model.tflite").write_bytes(made.finish(source, output))
    return tmp_path / "model.tflite"


def run(model: Path, folder: Path) -> None:
    """Run a model on in.npy."""
    run_file(
        model,
        [folder / "in.npy"],
        [folder / "out.npy"],
        "host",
        ram_optimized=False,
        reset_each=False,
        input_rows=False,
    )


def test_a_model_is_written_with_its_kernels(model: Path, tmp_path: Path) -> None:
    compiled = compile_model(read_bytes(model))
    written = write_compiled(compiled, tmp_path / "new" / "out")
    assert {file.name for file in written} == {"model.h", "model.cpp", *compiled.kernels}
    assert (tmp_path / "new" / "out" / "model.cpp").read_text() == compiled.source


def test_a_file_that_is_not_there_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*none\.tflite \(No such file or directory\)"):
        read_bytes(tmp_path / "none.tflite")
    with pytest.raises(DataError, match=r"cannot read .* \(Is a directory\)"):
        read_bytes(tmp_path)


def test_a_file_larger_than_any_model_for_a_board_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "large.tflite").open("wb") as file:
        file.truncate(files.MOST_BYTES + 1)
    monkeypatch.setattr(Path, "read_bytes", lambda _self: pytest.fail("it was read"))
    with pytest.raises(
        DataError, match=r"large\.tflite is larger than 16 MiB \(no microcontroller holds such a model\)"
    ):
        read_bytes(tmp_path / "large.tflite")


def test_a_folder_that_cannot_be_written_is_named(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot write to .*file/out \(Not a directory\)"):
        write_compiled(compile_model(read_bytes(model)), tmp_path / "file" / "out")


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00\xff\xff"])
def test_inputs_that_are_no_array_are_named(model: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in.npy").write_bytes(content)
    with pytest.raises(DataError, match=r"cannot read an array from .*in\.npy"):
        run(model, tmp_path)
    assert not (tmp_path / "out.npy").exists()


def test_objects_in_an_array_are_not_loaded(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"cannot read an array from .*allow_pickle"):
        run(model, tmp_path)


def test_inputs_that_the_model_does_not_take_leave_the_old_outputs(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.zeros((2, 5), np.int8))
    (tmp_path / "out.npy").write_bytes(b"old")
    with pytest.raises(DataError, match=r"the inputs have the shape \(2, 5\) \(one input is \(1, 4\)\)"):
        run(model, tmp_path)
    assert (tmp_path / "out.npy").read_bytes() == b"old"
