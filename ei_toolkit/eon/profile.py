"""Profile a model: measured on the emulated Cortex-M4F, or estimated with a cost model without ARM tools.

The cost model was fitted to measured profiles. It has, for each kernel, instructions for each multiplication, output
value and input value, and bytes of code. `scripts/bench eon` prints the fit and its error.
"""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np

from ei_toolkit.config.boards import NRF52840_CLOCK_HZ
from ei_toolkit.eon.compile import CompiledModel, LayerInfo, compile_model
from ei_toolkit.eon.cycles import FLASH_WAIT_CYCLES, cycles_of_steps
from ei_toolkit.eon.run import Measured, build_image, run_image, trace_image
from ei_toolkit.eon.toolchain import Sections, build_arm, missing_arm_tools, sections, write_sources


@dataclass(frozen=True)
class KernelCost:
    """Instructions per MAC, per output and per input value, and bytes of code, of one kernel."""

    code: int
    per_mac: float = 0.0
    per_output: float = 0.0
    per_input: float = 0.0


@dataclass(frozen=True)
class Estimate:
    """The estimated cost of a model: instructions and cycles of each step, sizes, stack."""

    steps: tuple[int, ...]
    cycles: tuple[int, ...]
    sections: Sections
    stack_bytes: int

    @property
    def latency_ms(self) -> float:
        """The duration of one inference at 64 MHz."""
        return _milliseconds(sum(self.cycles))


INT8 = {
    "CONV_2D": KernelCost(900, per_mac=0.86, per_output=8.5, per_input=1.5),
    "DEPTHWISE_CONV_2D": KernelCost(700, per_mac=1.5, per_output=4, per_input=4.7),
    "FULLY_CONNECTED": KernelCost(300, per_mac=1.05, per_output=24),
    "CONCATENATION": KernelCost(100, per_output=0.6),
    "STRIDED_SLICE": KernelCost(100, per_output=0.6),
    "MAX_POOL_2D": KernelCost(300, per_input=9, per_output=10),
    "AVERAGE_POOL_2D": KernelCost(350, per_input=9, per_output=10),
    "MEAN": KernelCost(250, per_input=6, per_output=20),
    "SOFTMAX": KernelCost(300, per_output=60),
    "ADD": KernelCost(250, per_output=19.3),
    "MUL": KernelCost(200, per_output=20),
}
FLOAT = {
    "CONV_2D": KernelCost(700, per_mac=3.4, per_output=10),
    "DEPTHWISE_CONV_2D": KernelCost(600, per_mac=5, per_output=20),
    "FULLY_CONNECTED": KernelCost(300, per_mac=5),
    "MAX_POOL_2D": KernelCost(300, per_input=8),
    "AVERAGE_POOL_2D": KernelCost(300, per_input=8),
}
GENERAL = {  # layers that need the general kernel, on integers
    "CONV_2D": KernelCost(900, per_mac=7.5, per_output=40),
    "DEPTHWISE_CONV_2D": KernelCost(900, per_mac=25, per_output=35),
    "FULLY_CONNECTED": KernelCost(500, per_mac=5.5, per_output=35),
    "TRANSPOSE_CONV": KernelCost(900, per_mac=16, per_output=40),
}
OTHER = KernelCost(200, per_output=10)
STARTUP_CODE = 1200
CALL_CODE = 16  # bytes of a further call of a function, measured with a GRU over 10 and over 49 steps
STATIC_RAM = 32
STACK = 250


def estimate(model: CompiledModel) -> Estimate:
    """Estimate the cost of a compiled model."""
    kernels = FLOAT if model.input.dtype == "float32" else INT8
    steps = [0] * (1 + max((layer.step for layer in model.layers), default=-1))
    cycles = list(steps)
    code = STARTUP_CODE
    for layer in model.layers:
        cost = (GENERAL if layer.general else kernels).get(layer.title.split(" ")[0], OTHER)
        instructions = _instructions(layer, cost)
        steps[layer.step] += instructions
        cycles[layer.step] += _cycles(instructions, model.input.dtype)
        if kernels is INT8:  # the cycles of float kernels include what they read from flash
            cycles[layer.step] += FLASH_WAIT_CYCLES * layer.flash_words
        code += CALL_CODE if layer.repeats else cost.code
    sizes = Sections(text=code, rodata=model.weights_bytes, data=0, bss=model.arena_bytes + STATIC_RAM)
    return Estimate(tuple(steps), tuple(cycles), sizes, STACK)


def _instructions(layer: LayerInfo, cost: KernelCost) -> int:
    inputs = sum(map(math.prod, layer.inputs))
    return round(layer.macs * cost.per_mac + math.prod(layer.output) * cost.per_output + inputs * cost.per_input)


CLOCK_HZ = NRF52840_CLOCK_HZ  # latencies are estimated for the Nano 33 BLE
CYCLES_PER_INSTRUCTION = {"int8": 1.4, "float32": 1.86}  # of instructions whose kinds are not known
LATENCY_ERROR = 0.25


@dataclass(frozen=True)
class LayerProfile:
    """The cost of one layer. Where layers run together, the first has the instructions and cycles of the whole step."""

    name: str
    title: str
    step: int
    macs: int
    instructions: int
    output: tuple[int, ...]
    cycles: int = 0

    @property
    def instructions_per_mac(self) -> float | None:
        """Instructions for each multiply-accumulate; None for layers that do not multiply."""
        return round(self.instructions / self.macs, 3) if self.macs else None


@dataclass(frozen=True)
class Profile:
    """Cost of one inference. Sizes are of the whole bare image; `empty` is the same image without a model."""

    how: Literal["emulated", "cost model"]
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    arena_bytes: int
    arena_lower_bound: int
    weights_bytes: int
    macs: int
    instructions: int
    latency_ms: float
    latency_error: float
    layers: tuple[LayerProfile, ...]
    sections: Sections | None = None
    empty: Sections | None = None
    cycles: int = 0


def profile_model(tflite: bytes, *, ram_optimized: bool = False, input_rows: bool = False) -> Profile:
    """Compile a model and measure it; without ARM tools, estimate it. `how` states which of both was done.

    The gate, a report and a model card of one process share the measurement of a model.

    Raises DataError or UnsupportedModelError for a model that cannot be compiled or does not fit the board.
    """
    find = _estimate if missing_arm_tools() else _measure
    return find(tflite, ram_optimized=ram_optimized, input_rows=input_rows)


def latency_ms(instructions: int, dtype: str) -> float:
    """Estimate the milliseconds at 64 MHz of instructions whose kinds are not known."""
    return _milliseconds(_cycles(instructions, dtype))


def _cycles(instructions: int, dtype: str) -> int:
    return round(instructions * CYCLES_PER_INSTRUCTION["float32" if dtype == "float32" else "int8"])


def _milliseconds(cycles: int) -> float:
    return round(cycles / CLOCK_HZ * 1e3, 2)


@lru_cache(maxsize=16)
def _measure(tflite: bytes, *, ram_optimized: bool, input_rows: bool) -> Profile:
    model = compile_model(tflite, ram_optimized=ram_optimized, input_rows=input_rows)
    steps = 1 + max((layer.step for layer in model.layers), default=-1)
    with tempfile.TemporaryDirectory(prefix="eitk-profile-") as name:
        folder = Path(name)
        write_sources(model, folder)
        image = build_image(model, folder)
        sizes = sections(image)
        total = _run(image, model)
        with_steps = build_image(model, folder, steps=steps) if steps else image
        timed = _run(with_steps, model, steps) if steps else total
        cycles = _traced_cycles(model, with_steps) if steps else []
        empty = _empty(folder / "empty")
    spent = [b - a for a, b in pairwise((*timed.steps, timed.instructions[0]))]
    return _profile(model, "emulated", sizes, total.stack_bytes, total.instructions[0], spent, cycles, empty)


def _traced_cycles(model: CompiledModel, image: Path) -> list[int]:
    """Return the cycles of each step, with the wait states of the constants that it reads from flash."""
    with trace_image(image).open(encoding="ascii", errors="replace") as trace:
        cycles = cycles_of_steps(trace)
    for layer in model.layers:
        cycles[layer.step] += FLASH_WAIT_CYCLES * layer.flash_words
    return cycles


def _run(image: Path, model: CompiledModel, steps: int = 0) -> Measured:
    inputs = [np.full((1, spec.elements), spec.zero_point, dtype=spec.dtype) for spec in model.inputs]
    return run_image(image, model, inputs, steps=steps)[1]


def _empty(folder: Path) -> Sections:
    """Build the image of a model that does nothing."""
    folder.mkdir()
    (folder / "model.h").write_text(EMPTY_HEADER, encoding="utf-8")
    (folder / "model.cpp").write_text(EMPTY_SOURCE, encoding="utf-8")
    return sections(build_arm(folder))


def _estimate(tflite: bytes, *, ram_optimized: bool, input_rows: bool) -> Profile:
    model = compile_model(tflite, ram_optimized=ram_optimized, input_rows=input_rows)
    costs = estimate(model)
    spent, cycles = list(costs.steps), list(costs.cycles)
    return _profile(model, "cost model", costs.sections, costs.stack_bytes, sum(spent), spent, cycles, None)


def _profile(
    model: CompiledModel,
    how: Literal["emulated", "cost model"],
    sizes: Sections,
    stack_bytes: int,
    instructions: int,
    spent: list[int],
    cycles: list[int],
    empty: Sections | None,
) -> Profile:
    return Profile(
        how=how,
        flash_bytes=sizes.flash,
        ram_bytes=sizes.ram,
        stack_bytes=stack_bytes,
        arena_bytes=model.arena_bytes,
        arena_lower_bound=model.arena_lower_bound,
        weights_bytes=model.weights_bytes,
        macs=model.macs,
        instructions=instructions,
        latency_ms=_milliseconds(sum(cycles)),
        latency_error=LATENCY_ERROR,
        layers=_layers(model.layers, spent, cycles),
        sections=sizes,
        empty=empty,
        cycles=sum(cycles),
    )


def _layers(layers: tuple[LayerInfo, ...], spent: list[int], cycles: list[int]) -> tuple[LayerProfile, ...]:
    first = {layer.step: i for i, layer in reversed(tuple(enumerate(layers)))}
    return tuple(
        LayerProfile(
            name=layer.name,
            title=layer.title,
            step=layer.step,
            macs=layer.macs,
            instructions=spent[layer.step] if first[layer.step] == i else 0,
            output=layer.output,
            cycles=cycles[layer.step] if first[layer.step] == i else 0,
        )
        for i, layer in enumerate(layers)
    )


EMPTY_HEADER = """\
#pragma once
#include <stdint.h>
namespace eitk {
namespace model {
using Input = int8_t;
using Output = int8_t;
constexpr int kInputSize = 1, kOutputSize = 1;
Input* input();
const Output* output();
void invoke();
#define EITK_MODEL_INPUTS(X) X(Input, input)
#define EITK_MODEL_OUTPUTS(X) X(Output, output)
}  // namespace model
}  // namespace eitk
"""
EMPTY_SOURCE = """\
#include "model.h"
namespace {
int8_t value;
}
namespace eitk {
namespace model {
Input* input() { return &value; }
const Output* output() { return &value; }
void invoke() {}
}  // namespace model
}  // namespace eitk
"""
