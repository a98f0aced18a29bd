"""What a model needs on a device: memory and time by the compiler's cost model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ei_toolkit.eon.compile import CompiledModel, compile_model
from ei_toolkit.eon.profile import CLOCK_HZ, estimate
from ei_toolkit.eon.profile import latency_ms as eon_latency_ms
from ei_toolkit.errors import EitkError
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.studio.devices import DEVICES, Device, device
from ei_toolkit.studio.jobs.task import Task

# How much longer (or shorter) a processor takes for the same kernels than a Cortex-M4F of the same clock:
# the Cortex-M7 issues two instructions at once; the Cortex-M0+ has no SIMD, no single-cycle long multiply, no FPU.
RELATIVE_CYCLES: Mapping[str, Mapping[str, float]] = {
    "cortex-m4f": {"int8": 1.0, "float32": 1.0},
    "cortex-m7": {"int8": 0.6, "float32": 0.55},
    "cortex-m0+": {"int8": 5.0, "float32": 30.0},
}
INTERPRETER_ROM, INTERPRETER_RAM = 35_000, 12_000  # the TFLM interpreter's code and bookkeeping


def profile(model: bytes, selected: str | None = None) -> list[dict[str, Any]]:
    """An `onDevicePerformance` entry for every device."""
    plain, tight = compile_model(model), compile_model(model, ram_optimized=True)
    return [_entry(each, len(model), plain, tight, each.mcu == selected) for each in DEVICES]


def latency_ms(compiled: CompiledModel, found: Device) -> float:
    """Estimated milliseconds of one inference, by the cost model of the compiler."""
    instructions, kind = sum(estimate(compiled).steps), compiled.input.dtype
    at_reference = eon_latency_ms(instructions, kind) * CLOCK_HZ / (found.clock_mhz * 1e6)
    return round(max(1.0, at_reference * RELATIVE_CYCLES[found.architecture][kind]), 1)


def memory(size: int, compiled: CompiledModel) -> dict[str, int]:
    """Memory of the compiled model in bytes: the whole bare image with its stack."""
    costs = estimate(compiled)
    return _memory(costs.sections.ram + costs.stack_bytes, costs.sections.flash, compiled.arena_bytes, size)


def interpreter_memory(size: int, compiled: CompiledModel) -> dict[str, int]:
    """The same for TFLM's interpreter, which keeps the model as it is."""
    return _memory(compiled.arena_bytes + INTERPRETER_RAM, size + INTERPRETER_ROM, compiled.arena_bytes, size)


def _memory(ram: int, rom: int, arena: int, size: int) -> dict[str, int]:
    return {"ramRequired": ram, "romRequired": rom, "arenaSize": arena, "modelSize": size}


def _entry(device: Device, size: int, plain: CompiledModel, tight: CompiledModel, selected: bool) -> dict[str, Any]:
    return {
        "mcu": device.mcu,
        "name": device.name,
        "isDefault": selected,
        "latency": latency_ms(plain, device),
        "tflite": interpreter_memory(size, plain),
        "eon": memory(size, plain),
        "eon_ram_optimized": memory(size, tight),
        "customMetrics": [],
        "hasPerformance": True,
    }


def model_info(model: bytes, variant: str, device: Device) -> dict[str, Any]:
    """A `ProfileModelInfo` for one device; a model that cannot be compiled says why."""
    facts = {"variant": variant, "device": device.mcu, "tfliteFileSizeBytes": len(model), "customMetrics": []}
    try:
        plain, tight = compile_model(model), compile_model(model, ram_optimized=True)
    except EitkError as error:
        return {**facts, "isSupportedOnMcu": False, "mcuSupportError": str(error), "hasPerformance": False}
    needs = {
        "tflite": interpreter_memory(len(model), plain),
        "eon": memory(len(model), plain),
        "eonRamOptimized": memory(len(model), tight),
    }
    return {
        **facts,
        "isSupportedOnMcu": True,
        "memory": {name: _details(need) for name, need in needs.items()},
        "timePerInferenceMs": round(latency_ms(plain, device)),
        "hasPerformance": True,
    }


def profile_tflite(task: Task) -> None:
    """The job: estimate a model that was sent."""
    model = task.store.blobs.read(str(task.job.spec["model"]))
    variant = "int8" if Interpreter(model).is_int8 else "float32"
    info = model_info(model, variant, device(str(task.job.spec["device"])))
    blob = task.store.blobs.put(json.dumps(info).encode())
    task.store.artifacts.put_result(task.project, "profile-tflite", task.job.id, blob)
    task.say("Calculating inferencing time... OK")
    task.say("Profiling 100% done")


def _details(need: Mapping[str, int]) -> dict[str, int]:
    """A `ProfileModelInfoMemoryDetails`."""
    return {"ram": need["ramRequired"], "rom": need["romRequired"], "arenaSize": need["arenaSize"]}
