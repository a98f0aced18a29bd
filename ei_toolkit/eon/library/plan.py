"""The plan of a library: the C++ of its blocks and its model, checked against each other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from ei_toolkit.eon.compile import compile_model
from ei_toolkit.eon.library.blocks import BlockCode, block_code
from ei_toolkit.eon.library.cost import fft_points, window_instructions
from ei_toolkit.eon.library.request import LibraryRequest
from ei_toolkit.errors import ConfigurationError, UnsupportedModelError

LONGEST_LEVELLED_WINDOW = 2**18  # samples, for the integer arithmetic of level.h


@dataclass(frozen=True)
class ModelProperties:
    """Properties of the model that the generated files state, the same for every engine."""

    inputs: int
    outputs: int
    quantized: bool
    arena_bytes: int
    sha256: str


@dataclass(frozen=True)
class ModelCode:
    """Generated files (name in tflite-model/ -> text), the kernels they include, and the model's properties."""

    files: Mapping[str, str]
    kernels: tuple[str, ...]
    properties: ModelProperties


def compiled_model(tflite: bytes, *, ram_optimized: bool) -> ModelCode:
    """Compile a model to sources without an interpreter (engines `tflite-eon*`). Raises as `compile_model` does.

    The classifier reads the first output; a program may read the others with `eitk::model::output2()` and so on.
    """
    compiled = compile_model(tflite, ram_optimized=ram_optimized, unsigned_ends=False)
    ends = (*compiled.inputs, compiled.output)
    if len(compiled.inputs) != 1 or any(end.dtype not in ("int8", "float32") for end in ends):
        raise UnsupportedModelError(
            f"the model's inputs are {', '.join(end.dtype for end in compiled.inputs)}, "
            f"its first output is {compiled.output.dtype}",
            why="the classifier of the library has one input, and input and output are int8, uint8 or float32",
            hint="Compile it without a library: eitk eon compile MODEL.tflite -o DIR.",
        )
    properties = ModelProperties(
        inputs=prod(compiled.input.shape),
        outputs=prod(compiled.output.shape),
        quantized=compiled.input.dtype == "int8",
        arena_bytes=compiled.arena_bytes,
        sha256=compiled.sha256,
    )
    return ModelCode({"model.h": compiled.header, "model.cpp": compiled.source}, compiled.kernels, properties)


@dataclass(frozen=True)
class Plan:
    """A request with the C++ of its blocks."""

    request: LibraryRequest
    blocks: tuple[BlockCode, ...]
    model: ModelProperties

    @property
    def offsets(self) -> tuple[int, ...]:
        """Offset of each block's features in the model's input."""
        return tuple(sum(b.features for b in self.blocks[:i]) for i in range(len(self.blocks)))

    @property
    def features(self) -> int:
        """Features of a window, of all blocks."""
        return sum(block.features for block in self.blocks)

    @property
    def stream_ram_bytes(self) -> int:
        """Further static memory of continuous classification: kept samples, rows, and the newest features."""
        feature_bytes = self.features * (1 if self.model.quantized else 4)
        return feature_bytes + sum(4 * (block.kept + block.rows) for block in self.blocks)

    @property
    def table_bytes(self) -> int:
        """Constants of the blocks in flash."""
        return 12 * (fft_points(self.blocks) // 4 + 1) + sum(block.table_bytes for block in self.blocks)

    @property
    def dsp_instructions(self) -> int:
        """Instructions for the features of a window on a Cortex-M4F; an estimate."""
        return sum(map(window_instructions, self.blocks))


def make_plan(request: LibraryRequest, model: ModelProperties) -> Plan:
    """Generate the C++ of the blocks. Raises ConfigurationError for a request that does not fit the model."""
    if not request.labels:
        raise ConfigurationError("the impulse has no labels", hint="Train the model before building it.")
    if not request.dsp_blocks:
        raise ConfigurationError("the impulse has no processing block", hint="Add [impulse.dsp] to eitk.toml.")
    if request.window_samples < 1 or not (request.frequency > 0 and math.isfinite(request.frequency)):
        raise ConfigurationError(f"{request.window_samples} samples at {request.frequency:g} Hz are not a window")
    if request.level.level == "rms" and request.window_samples > LONGEST_LEVELLED_WINDOW:
        raise ConfigurationError(
            f"a window of {request.window_samples} samples cannot be brought to a level",
            hint=f'Use at most {LONGEST_LEVELLED_WINDOW} samples, or [slice] level = "none".',
        )
    blocks = tuple(block_code(block, request.window_samples, request.frequency) for block in request.dsp_blocks)
    plan = Plan(request, blocks, model)
    _check(plan)
    return plan


def _check(plan: Plan) -> None:
    if plan.features != plan.model.inputs:
        raise ConfigurationError(
            f"the blocks give {plan.features} features and the model takes {plan.model.inputs}",
            hint="Train again after changing a processing block.",
        )
    if len(plan.request.labels) != plan.model.outputs:
        raise ConfigurationError(
            f"there are {len(plan.request.labels)} labels and the model has {plan.model.outputs} outputs",
            hint="Train again after adding or removing labels.",
        )
    ids = [block.id for block in plan.blocks]
    if len(set(ids)) != len(ids) or min(ids) < 0:
        raise ConfigurationError(f"block ids {ids} are not distinct natural numbers")
