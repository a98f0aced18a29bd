"""The model's part of a library, whichever engine runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from ei_toolkit.eon.compile import compile_model
from ei_toolkit.eon.library.plan import ModelFacts


@dataclass(frozen=True)
class ModelCode:
    """Generated files (name in tflite-model/ -> text), kernels they include, and facts."""

    files: Mapping[str, str]
    kernels: tuple[str, ...]
    facts: ModelFacts


def compiled_model(tflite: bytes, *, ram_optimized: bool) -> ModelCode:
    """Sources without an interpreter (engines `tflite-eon`). Raises as `compile_model` does."""
    compiled = compile_model(tflite, ram_optimized=ram_optimized)
    facts = ModelFacts(
        inputs=prod(compiled.input.shape),
        outputs=prod(compiled.output.shape),
        quantized=compiled.input.dtype == "int8",
        arena_bytes=compiled.arena_bytes,
        sha256=compiled.sha256,
    )
    return ModelCode({"model.h": compiled.header, "model.cpp": compiled.source}, compiled.kernels, facts)
