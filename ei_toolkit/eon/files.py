"""Model files: read them, write what they are compiled to, and run them on arrays in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.config.atomic_write import replace_file
from ei_toolkit.config.units import mib
from ei_toolkit.eon.compile import CompiledModel, compile_model
from ei_toolkit.eon.run import Target, run_ports
from ei_toolkit.eon.toolchain import write_sources
from ei_toolkit.errors import DataError, UsageError

MOST_BYTES = 16 << 20


def read_bytes(path: Path) -> bytes:
    """Read a model file.

    Raises DataError for a file that cannot be read or is larger than 16 MiB.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path} is larger than {mib(MOST_BYTES)}", why="no microcontroller holds such a model")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}", why=error.strerror or str(error)) from error


def write_compiled(model: CompiledModel, folder: Path) -> list[Path]:
    """Write model.h, model.cpp and the kernels of a compiled model below `folder`. Raises DataError if it cannot."""
    try:
        return write_sources(model, folder)
    except OSError as error:
        raise DataError(f"cannot write to {folder}", why=error.strerror or str(error)) from error


def run_file(
    path: Path,
    inputs: Sequence[Path],
    outputs: Sequence[Path],
    on: Target,
    *,
    ram_optimized: bool,
    reset_each: bool,
    input_rows: bool,
) -> tuple[NDArray[Any], ...]:
    """Run a .tflite on the inputs of one .npy file for each input, and write a file for each output.

    The rows of a file are successive inputs: variables of the model keep their values, unless `reset_each`.
    """
    values = [_load(file) for file in inputs]
    model = compile_model(read_bytes(path), ram_optimized=ram_optimized, input_rows=input_rows)
    if len(outputs) != len(model.outputs):
        raise UsageError(
            f"the model has {len(model.outputs)} outputs, and the number of --output files is {len(outputs)}",
            hint="Repeat --output for each output, in the order of the model.",
        )
    answers = run_ports(model, values, on, reset_each=reset_each)
    for file, answer in zip(outputs, answers, strict=True):
        with replace_file(file) as partial, partial.open("wb") as stream:
            np.save(stream, answer)
    return answers


def _load(path: Path) -> NDArray[Any]:
    try:
        values: NDArray[Any] = np.load(path, allow_pickle=False)
        return values
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"cannot read an array from {path}", why=str(error)) from error
