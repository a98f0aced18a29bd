"""Check, compile and profile a .tflite without a project, as `eitk eon` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ei_toolkit.api.results import Result, shown
from ei_toolkit.eon import check as checking
from ei_toolkit.eon import compile as compiler
from ei_toolkit.eon import profile as profiling
from ei_toolkit.eon.check import Check
from ei_toolkit.eon.compile import CompiledModel
from ei_toolkit.eon.files import read_bytes, write_compiled
from ei_toolkit.eon.profile import Profile
from ei_toolkit.eon.run import Target, run_ports
from ei_toolkit.report import figures
from ei_toolkit.report.tables import Cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Model = Path | str | bytes
"""A .tflite: the path of a file, or its bytes."""


@dataclass(frozen=True)
class Compilation(Result):
    """A model that was compiled to C++; `files` are empty where nothing was written. Sizes are in bytes.

    `model` has the memory, the inputs, the outputs and the layers. `macs` are multiply-accumulate operations of one
    inference.
    """

    model: CompiledModel
    files: tuple[Path, ...] = ()

    @property
    def arena_bytes(self) -> int:
        """The RAM for tensors in bytes."""
        return self.model.arena_bytes

    @property
    def macs(self) -> int:
        """The multiply-accumulate operations of one inference."""
        return self.model.macs

    def to_dict(self) -> dict[str, Any]:
        """Return hash, sizes in bytes, operations and layers as `eitk eon compile --json` prints them."""
        model = self.model
        return {
            "sha256": model.sha256,
            "files": [str(file) for file in self.files],
            "arena_bytes": model.arena_bytes,
            "arena_lower_bound": model.arena_lower_bound,
            "weights_bytes": model.weights_bytes,
            "macs": model.macs,
            "layers": [asdict(layer) for layer in model.layers],
        }

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each layer: its operator, its output shape and its multiply-accumulate operations."""
        return [
            {"layer": layer.title, "output": "x".join(map(str, layer.output)), "macs": layer.macs}
            for layer in self.model.layers
        ]


@dataclass(frozen=True)
class ModelCheck(Result):
    """The check of a model without building it: operators, blockers, estimated cost, and the boards that it fits."""

    check: Check

    @property
    def supported(self) -> bool:
        """Whether the compiler can translate the model."""
        return self.check.supported

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as `eitk eon check --json` prints it: sizes in bytes, latency in milliseconds."""
        found = self.check
        return {"supported": found.supported, "fits_everywhere": found.fits_everywhere, **asdict(found)}

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each operator: how often the model has it, and how many of these are not supported."""
        return [
            {"operator": one.kind, "count": one.count, "not supported": one.blocked} for one in self.check.operators
        ]


@dataclass(frozen=True)
class ModelProfile(Result):
    """The cost of one inference on a Cortex-M4F: measured under QEMU, or estimated without the ARM tools."""

    profile: Profile

    @property
    def is_measured(self) -> bool:
        """Whether the model ran on the emulated board; otherwise the figures are those of the cost model."""
        return self.profile.how == "emulated"

    @property
    def latency_ms(self) -> float:
        """The time of one inference in milliseconds at 64 MHz."""
        return self.profile.latency_ms

    @property
    def flash_bytes(self) -> int:
        """The flash of the whole image in bytes."""
        return self.profile.flash_bytes

    @property
    def ram_bytes(self) -> int:
        """The RAM of the whole image in bytes, with the stack."""
        return self.profile.ram_bytes

    def to_dict(self) -> dict[str, Any]:
        """Return the cost as `eitk eon profile --json` prints it: sizes in bytes, latency in milliseconds."""
        return asdict(self.profile)

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each layer: its operator, its operations and its instructions."""
        return [
            {"layer": layer.title, "macs": layer.macs, "instructions": layer.instructions}
            for layer in self.profile.layers
        ]

    def figure(self) -> Figure:
        """Return a bar chart of the instructions of each layer."""
        return shown(figures.instructions_by_layer({one.title: one.instructions for one in self.profile.layers}))


def check_model(model: Model, *, ram_optimized: bool = False, input_rows: bool = False) -> ModelCheck:
    """Check a model without building it: operators, what to change, memory, time, and where it fits.

    Args:
        model: A .tflite: its path or its bytes.
        ram_optimized: Whether chains of layers run row by row to save RAM.
        input_rows: Whether a function of the caller returns the rows of the input one by one, instead of an input in
            memory.

    Returns:
        The result, also for a model that is not supported.

    Raises:
        MissingToolError: The extra `firmware` is not installed.
        DataError: The bytes are not a valid model, or the file cannot be read.

    Examples:
        >>> import ei_toolkit as eitk
        >>> checked = eitk.check_model("model.tflite")
        >>> checked.supported, [row["operator"] for row in checked.records()]
        (True, ['FULLY_CONNECTED', 'SOFTMAX'])
    """
    return ModelCheck(checking.check_model(_bytes(model), ram_optimized=ram_optimized, input_rows=input_rows))


def compile_model(
    model: Model, folder: Path | str | None = None, *, ram_optimized: bool = False, input_rows: bool = False
) -> Compilation:
    """Compile a model to C++ without an interpreter. Its int8 outputs equal those of the reference bit for bit.

    Args:
        model: A .tflite: its path or its bytes.
        folder: Folder for model.h, model.cpp and the kernels; None writes nothing.
        ram_optimized: Whether chains of layers run row by row to save RAM.
        input_rows: Whether a function of the caller returns the rows of the input one by one, instead of an input in
            memory.

    Returns:
        The compiled model with its memory, layers and files.

    Raises:
        MissingToolError: The extra `firmware` is not installed.
        UnsupportedModelError: The compiler cannot translate the model; the error names what blocks it.
        DataError: The bytes are not a valid model, or the folder cannot be written.

    Examples:
        >>> import ei_toolkit as eitk
        >>> compiled = eitk.compile_model("model.tflite", "compiled")
        >>> compiled.macs, [file.name for file in compiled.files if file.stem == "model"]
        (8, ['model.h', 'model.cpp'])
    """
    compiled = compiler.compile_model(_bytes(model), ram_optimized=ram_optimized, input_rows=input_rows)
    written = write_compiled(compiled, Path(folder).expanduser()) if folder is not None else []
    return Compilation(compiled, tuple(written))


def run_model(
    model: Model,
    inputs: Sequence[NDArray[Any]],
    on: Target = "host",
    *,
    ram_optimized: bool = False,
    input_rows: bool = False,
    reset_each: bool = False,
) -> tuple[NDArray[Any], ...]:
    """Compile a model, build it, and run it on inputs. A streaming model keeps its state from one input to the next.

    Args:
        model: A .tflite: its path or its bytes.
        inputs: For each input of the model an array of its type, with the shape (n, …).
        on: This machine (`host`), or an emulated Cortex-M4F.
        ram_optimized: Whether chains of layers run row by row to save RAM.
        input_rows: Whether a function of the program returns the rows of the input one by one, instead of an input in
            memory.
        reset_each: Whether the variables of a streaming model are reset before each input.

    Returns:
        For each output of the model an array of its type, with the shape (n, elements).

    Raises:
        MissingToolError: The extra `firmware`, a compiler or the emulator is not installed.
        UnsupportedModelError: The compiler cannot translate the model.
        DataError: The bytes are not a valid model, or the inputs have another number, type or size.
    """
    compiled = compiler.compile_model(_bytes(model), ram_optimized=ram_optimized, input_rows=input_rows)
    return run_ports(compiled, inputs, on, reset_each=reset_each)


def profile_model(model: Model, *, ram_optimized: bool = False, input_rows: bool = False) -> ModelProfile:
    """Measure flash, RAM, stack and instructions of a model on an emulated Cortex-M4F.

    Without the ARM compiler and QEMU, the figures are estimates of a cost model.

    Args:
        model: A .tflite: its path or its bytes.
        ram_optimized: Whether chains of layers run row by row to save RAM.
        input_rows: Whether a function of the caller returns the rows of the input one by one, instead of an input in
            memory.

    Returns:
        The cost of one inference.

    Raises:
        MissingToolError: The extra `firmware` is not installed.
        UnsupportedModelError: The compiler cannot translate the model.
        DataError: The bytes are not a valid model, or it does not fit the emulated board.
    """
    return ModelProfile(profiling.profile_model(_bytes(model), ram_optimized=ram_optimized, input_rows=input_rows))


def _bytes(model: Model) -> bytes:
    return model if isinstance(model, bytes) else read_bytes(Path(model).expanduser())
