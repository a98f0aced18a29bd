"""The cost model that answers where no ARM tools are installed: fitted to profiles of the emulated Cortex-M4F.

Per kernel: instructions for each multiplication, for each output value and for the call; bytes of code. The fit and
its error are printed by `scripts/bench eon`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ei_toolkit.eon.build import Sections
from ei_toolkit.eon.compile import CompiledModel, LayerInfo


@dataclass(frozen=True)
class KernelCost:
    """Instructions per MAC and per output value, and bytes of code, of one kernel."""

    per_mac: float
    per_output: float
    code: int


@dataclass(frozen=True)
class Estimate:
    """What a model probably costs: instructions of each step, sizes, stack."""

    steps: tuple[int, ...]
    sections: Sections
    stack_bytes: int


INT8 = {
    "CONV_2D": KernelCost(1.05, 40.0, 900),
    "DEPTHWISE_CONV_2D": KernelCost(4.0, 30.0, 700),
    "FULLY_CONNECTED": KernelCost(2.4, 40.0, 300),
    "MAX_POOL_2D": KernelCost(0.0, 40.0, 300),
    "AVERAGE_POOL_2D": KernelCost(0.0, 60.0, 350),
    "MEAN": KernelCost(0.0, 60.0, 250),
    "SOFTMAX": KernelCost(0.0, 100.0, 300),
}
FLOAT = {"CONV_2D": KernelCost(3.0, 40.0, 700), "DEPTHWISE_CONV_2D": KernelCost(5.0, 30.0, 600)}
OTHER = KernelCost(4.0, 20.0, 200)
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
    return round(layer.macs * cost.per_mac + math.prod(layer.output) * cost.per_output)
