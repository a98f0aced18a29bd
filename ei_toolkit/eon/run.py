"""Run a compiled model on inputs, on this machine or on an emulated Cortex-M4F."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.compile import CompiledModel
from ei_toolkit.eon.toolchain import ICOUNT, MACHINE, build_arm, build_host, qemu, run_tool, write_sources
from ei_toolkit.errors import DataError, EitkError

Array = NDArray[Any]
Target = Literal["host", "emulated"]


@dataclass(frozen=True)
class Measured:
    """Counts of the emulator: stack bytes, instructions of each inference, and those before each step."""

    stack_bytes: int
    instructions: tuple[int, ...]
    steps: tuple[int, ...]


def run_model(model: CompiledModel, inputs: Array, on: Target = "host") -> Array:
    """Return the outputs (n, outputs) of a model for inputs (n, ...), both of the model's own types.

    Raises DataError for inputs of another type or size, MissingToolError without a compiler or emulator.
    """
    with tempfile.TemporaryDirectory(prefix="eitk-eon-") as name:
        folder = Path(name)
        write_sources(model, folder)
        if on == "host":
            return run_host(build_host(folder), model, inputs)
        return run_image(build_arm(folder), model, inputs)[0]


def run_host(program: Path, model: CompiledModel, inputs: Array) -> Array:
    """Run a program made by `build_host`."""
    answer = run_tool([program], cwd=program.parent, stdin=_checked(model, inputs).tobytes())
    return _outputs(model, answer, len(inputs))


def run_image(image: Path, model: CompiledModel, inputs: Array, *, steps: int = 0) -> tuple[Array, Measured]:
    """Run an image made by `build_arm` under QEMU."""
    folder = image.parent
    (folder / "input.bin").write_bytes(_checked(model, inputs).tobytes())
    semihosting = ("-semihosting-config", "enable=on,target=native")
    run_tool([qemu(), *MACHINE, *ICOUNT, *semihosting, "-kernel", image], cwd=folder)
    output = folder / "output.bin"
    outputs = _outputs(model, output.read_bytes() if output.exists() else b"", len(inputs))
    return outputs, _measured(np.fromfile(folder / "report.bin", dtype="<u4"), steps)


def _measured(report: NDArray[np.uint32], steps: int) -> Measured:
    """Decode the report of run_model.cpp; 128 ticks of the timer are five instructions."""
    values = [int(v) for v in report]
    stack, empty, first = values[:3]
    began = values[3 : 3 + steps]
    later = values[3 + steps :]
    spent = [first - empty, *(b - a for a, b in zip(later[::2], later[1::2], strict=True))]
    return Measured(stack, tuple(map(instructions, spent)), tuple(map(instructions, began)))


def instructions(ticks: int) -> int:
    """Convert ticks of the 25 MHz timer to instructions of 1024 ns each."""
    return round(ticks * 5 / 128)


def _checked(model: CompiledModel, inputs: Array) -> Array:
    wanted = np.dtype(model.input.dtype)
    if inputs.dtype != wanted:
        raise DataError(f"the inputs are {inputs.dtype}, the model takes {wanted}")
    if inputs.ndim and not len(inputs):
        raise DataError("the array holds no inputs", why=f"its shape is {inputs.shape}", hint="First axis: inputs.")
    if inputs.ndim < 2 or inputs[0].size != model.input.elements:
        raise DataError(
            f"the inputs have the shape {inputs.shape}",
            why=f"one input is {model.input.shape}",
            hint="First axis: inputs.",
        )
    return np.ascontiguousarray(inputs)


def _outputs(model: CompiledModel, content: bytes, count: int) -> Array:
    outputs = np.frombuffer(content, dtype=np.dtype(model.output.dtype))
    if outputs.size != count * model.output.elements:
        raise EitkError(
            "the model's program ended early", why=f"{outputs.size} of {count * model.output.elements} values"
        )
    return outputs.reshape(count, model.output.elements)
