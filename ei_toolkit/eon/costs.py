"""The cost model that answers where no ARM tools are installed: fitted to profiles of the emulated Cortex-M4F.

Per kernel: instructions for each multiplication, output value and input value; bytes of code. The fit and
its error are printed by `scripts/bench eon`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ei_toolkit.eon.build import Sections
from ei_toolkit.eon.compile import CompiledModel, LayerInfo


@dataclass(frozen=True)
class KernelCost:
    """Instructions per MAC, per output and per input value, and bytes of code, of one kernel."""

    code: int
    per_mac: float = 0.0
    per_output: float = 0.0
    per_input: float = 0.0


@dataclass(frozen=True)
class Estimate:
    """What a model probably costs: instructions of each step, sizes, stack."""

    steps: tuple[int, ...]
    sections: Sections
    stack_bytes: int


INT8 = {
    "CONV_2D": KernelCost(900, per_mac=1.05, per_output=15),
    "DEPTHWISE_CONV_2D": KernelCost(700, per_mac=3.4, per_output=12),
    "FULLY_CONNECTED": KernelCost(300, per_mac=2.4, per_output=30),
    "MAX_POOL_2D": KernelCost(300, per_input=9, per_output=10),
    "AVERAGE_POOL_2D": KernelCost(350, per_input=9, per_output=10),
    "MEAN": KernelCost(250, per_input=6, per_output=20),
    "SOFTMAX": KernelCost(300, per_output=60),
    "ADD": KernelCost(250, per_output=31),
    "MUL": KernelCost(200, per_output=20),
}
FLOAT = {
    "CONV_2D": KernelCost(700, per_mac=3.4, per_output=10),
    "DEPTHWISE_CONV_2D": KernelCost(600, per_mac=5, per_output=20),
    "FULLY_CONNECTED": KernelCost(300, per_mac=5),
    "MAX_POOL_2D": KernelCost(300, per_input=8),
    "AVERAGE_POOL_2D": KernelCost(300, per_input=8),
}
OTHER = KernelCost(200, per_output=10)
STARTUP_CODE = 1200
STATIC_RAM = 32
STACK = 250


def estimate(model: CompiledModel) -> Estimate:
    """Estimate the cost of a compiled model."""
    kernels = INT8 if model.input.dtype == "int8" else FLOAT
    steps = [0] * (1 + max((layer.step for layer in model.layers), default=-1))
    code = STARTUP_CODE
    for layer in model.layers:
        cost = kernels.get(layer.title.split(" ")[0], OTHER)
        steps[layer.step] += _instructions(layer, cost)
        code += cost.code
    sizes = Sections(text=code, rodata=model.weights_bytes, data=0, bss=model.arena_bytes + STATIC_RAM)
    return Estimate(tuple(steps), sizes, STACK)


def _instructions(layer: LayerInfo, cost: KernelCost) -> int:
    inputs = sum(map(math.prod, layer.inputs))
    return round(layer.macs * cost.per_mac + math.prod(layer.output) * cost.per_output + inputs * cost.per_input)
