"""Run a compiled model on inputs, on this machine or on an emulated Cortex-M4F."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.compile import CompiledModel, TensorSpec
from ei_toolkit.eon.memory_use import peak_text
from ei_toolkit.eon.toolchain import ICOUNT, MACHINE, TRACE, build_arm, build_host, qemu, run_tool, write_sources
from ei_toolkit.errors import DataError, EitkError

Array = NDArray[Any]
Target = Literal["host", "emulated"]


@dataclass(frozen=True)
class Measured:
    """Counts of the emulator: stack bytes, instructions of each inference, and those before each step."""

    stack_bytes: int
    instructions: tuple[int, ...]
    steps: tuple[int, ...]


def run_model(model: CompiledModel, inputs: Array, on: Target = "host", *, reset_each: bool = False) -> Array:
    """Return the outputs (n, outputs) of a model with one input and one output for inputs (n, ...).

    Variables of the model keep their values from one input to the next, unless `reset_each`. Raises as `run_ports`.
    """
    (outputs,) = run_ports(model, [inputs], on, reset_each=reset_each)
    return outputs


def run_ports(
    model: CompiledModel, inputs: Sequence[Array], on: Target = "host", *, reset_each: bool = False
) -> tuple[Array, ...]:
    """Return an array (n, elements) for each output, from an array (n, ...) for each input, of the model's own types.

    Raises DataError for inputs of another number, type or size, MissingToolError without a compiler or emulator.
    """
    extra = ("-DEITK_RESET_EACH",) if reset_each else ()
    with tempfile.TemporaryDirectory(prefix="eitk-eon-") as name:
        folder = Path(name)
        write_sources(model, folder)
        if on == "host":
            return run_host(build_host(folder, extra=extra), model, inputs)
        return run_image(build_image(model, folder, extra=extra), model, inputs)[0]


def build_image(model: CompiledModel, folder: Path, *, steps: int = 0, extra: tuple[str, ...] = ()) -> Path:
    """Build an image from the sources of a model. Raises as `build_arm`; DataError names the step with most memory."""
    try:
        return build_arm(folder, steps=steps, extra=extra)
    except DataError as error:
        hint = "Use --ram-optimized, a shorter input, fewer channels in this layer, or a stride in a layer before it."
        raise DataError(error.what, why=f"{error.why}; {peak_text(model)}", hint=hint) from error


def run_host(program: Path, model: CompiledModel, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """Run a program made by `build_host`."""
    answer = run_tool([program], cwd=program.parent, stdin=_input_bytes(model, inputs))
    return _outputs(model, answer, len(inputs[0]))


def run_image(
    image: Path, model: CompiledModel, inputs: Sequence[Array], *, steps: int = 0
) -> tuple[tuple[Array, ...], Measured]:
    """Run an image made by `build_arm` under QEMU."""
    folder = image.parent
    (folder / "input.bin").write_bytes(_input_bytes(model, inputs))
    semihosting = ("-semihosting-config", "enable=on,target=native")
    run_tool([qemu(), *MACHINE, *ICOUNT, *semihosting, "-kernel", image], cwd=folder)
    output = folder / "output.bin"
    outputs = _outputs(model, output.read_bytes() if output.exists() else b"", len(inputs[0]))
    return outputs, _measured(np.fromfile(folder / "report.bin", dtype="<u4"), steps)


def trace_image(image: Path) -> Path:
    """Run an image once more on the inputs of `run_image`, and return a file with the instructions that it executed."""
    trace = image.parent / "trace.txt"
    semihosting = ("-semihosting-config", "enable=on,target=native")
    run_tool([qemu(), *MACHINE, *semihosting, *TRACE, trace, "-kernel", image], cwd=image.parent)
    return trace


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


def _input_bytes(model: CompiledModel, inputs: Sequence[Array]) -> bytes:
    """Return the bytes that the program reads: for each inference all inputs."""
    if len(inputs) != len(model.inputs):
        raise DataError(
            f"there are {len(inputs)} arrays of inputs", why=f"the model has {len(model.inputs)} inputs",
            hint="Give one file for each input, in the order of the model.",
        )  # fmt: skip
    rows = [_checked(spec, values) for spec, values in zip(model.inputs, inputs, strict=True)]
    if len({len(values) for values in rows}) > 1:
        counts = ", ".join(str(len(values)) for values in rows)
        raise DataError(f"the arrays hold {counts} inputs", hint="Each must have as many as the others.")
    return np.concatenate([values.view(np.uint8) for values in rows], axis=1).tobytes()


def _checked(spec: TensorSpec, inputs: Array) -> Array:
    wanted = np.dtype(spec.dtype)
    if inputs.dtype != wanted:
        raise DataError(f"the inputs are {inputs.dtype}, the model takes {wanted}")
    if inputs.ndim and not len(inputs):
        raise DataError("the array holds no inputs", why=f"its shape is {inputs.shape}", hint="First axis: inputs.")
    if inputs.ndim < 2 or inputs[0].size != spec.elements:
        raise DataError(
            f"the inputs have the shape {inputs.shape}",
            why=f"one input is {spec.shape}",
            hint="First axis: inputs.",
        )
    return np.ascontiguousarray(inputs).reshape(len(inputs), -1)


def _outputs(model: CompiledModel, content: bytes, count: int) -> tuple[Array, ...]:
    sizes = [spec.elements * np.dtype(spec.dtype).itemsize for spec in model.outputs]
    if len(content) != count * sum(sizes):
        raise EitkError("the model's program ended early", why=f"{len(content)} of {count * sum(sizes)} bytes")
    rows = np.frombuffer(content, np.uint8).reshape(count, -1)
    columns = np.split(rows, np.cumsum(sizes)[:-1].tolist(), axis=1)
    return tuple(
        np.ascontiguousarray(column).view(spec.dtype) for column, spec in zip(columns, model.outputs, strict=True)
    )
