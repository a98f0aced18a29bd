"""What a model needs on a device: memory from the compiled plan, time estimated from its multiplications."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ei_toolkit.eon.compile import CompiledModel, compile_model
from ei_toolkit.errors import EitkError
from ei_toolkit.learn.infer import Interpreter
from ei_toolkit.studio.devices import DEVICES, Device, device
from ei_toolkit.studio.work.task import Task

# Cycles per multiply-accumulate of the emitted kernels, by architecture: (int8, float32).
CYCLES: Mapping[str, tuple[float, float]] = {
    "cortex-m4f": (1.6, 4.0),
    "cortex-m7": (0.9, 2.0),
    "cortex-m0+": (9.0, 60.0),
}
INTERPRETER_ROM, INTERPRETER_RAM = 35_000, 12_000  # the TFLM interpreter's code and bookkeeping
RUNTIME_ROM = 14_000  # classifier, DSP and startup code of a generated library


def profile(model: bytes, selected: str | None = None) -> list[dict[str, Any]]:
    """An `onDevicePerformance` entry for every device."""
    plain, tight = compile_model(model), compile_model(model, ram_optimized=True)
    return [_entry(each, len(model), plain, tight, each.mcu == selected) for each in DEVICES]


def latency_ms(compiled: CompiledModel, device: Device) -> float:
    """Estimated milliseconds of one inference."""
    cycles = CYCLES[device.architecture][0 if compiled.input.dtype == "int8" else 1] * compiled.macs
    return round(max(1.0, cycles / (device.clock_mhz * 1000.0)), 1)


def memory(size: int, compiled: CompiledModel, *, interpreter: bool = False) -> dict[str, int]:
    """A `ProfileModelTable` memory entry, bytes."""
    ram = compiled.arena_bytes + (INTERPRETER_RAM if interpreter else 0)
    rom = (size + INTERPRETER_ROM) if interpreter else compiled.weights_bytes
    return {
        "ramRequired": ram,
        "romRequired": rom + RUNTIME_ROM,
        "arenaSize": compiled.arena_bytes,
        "modelSize": size,
    }


def _entry(device: Device, size: int, plain: CompiledModel, tight: CompiledModel, selected: bool) -> dict[str, Any]:
    return {
        "mcu": device.mcu,
        "name": device.name,
        "isDefault": selected,
        "latency": latency_ms(plain, device),
        "tflite": memory(size, plain, interpreter=True),
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
        "tflite": memory(len(model), plain, interpreter=True),
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
