"""Estimates of the memory and the time that a model needs on a device, from the compiler's cost model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ei_toolkit.eon.compile import CompiledModel, compile_model
from ei_toolkit.eon.profile import CLOCK_HZ, estimate
from ei_toolkit.errors import EitkError
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.impulse.trained_model import VARIANTS, model_id
from ei_toolkit.studio.devices import DEVICES, Device, device
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs.task import Task

# Cycles of a processor for the same kernels, relative to a Cortex-M4F: the Cortex-M7 issues two instructions at once;
# the Cortex-M0+ has no SIMD instructions, no single-cycle long multiplication and no FPU.
RELATIVE_CYCLES: Mapping[str, Mapping[str, float]] = {
    "cortex-m4f": {"int8": 1.0, "float32": 1.0},
    "cortex-m7": {"int8": 0.6, "float32": 0.55},
    "cortex-m0+": {"int8": 5.0, "float32": 30.0},
}
INTERPRETER_ROM, INTERPRETER_RAM = 35_000, 12_000  # bytes: the TFLM interpreter's code and its data structures


def profile(model: bytes, selected: str | None = None) -> list[dict[str, Any]]:
    """Return an `onDevicePerformance` entry for every device."""
    default, ram_optimized = compile_model(model), compile_model(model, ram_optimized=True)
    return [_entry(each, len(model), default, ram_optimized, each.mcu == selected) for each in DEVICES]


def latency_ms(compiled: CompiledModel, found: Device) -> float:
    """Return the estimated duration of one inference in ms."""
    at_reference = estimate(compiled).latency_ms * CLOCK_HZ / (found.clock_mhz * 1e6)
    return round(max(1.0, at_reference * RELATIVE_CYCLES[found.architecture][compiled.input.dtype]), 1)


def memory(size: int, compiled: CompiledModel) -> dict[str, int]:
    """Return the memory in bytes of a bare-metal image with the compiled model, with its stack."""
    costs = estimate(compiled)
    return _memory(costs.sections.ram + costs.stack_bytes, costs.sections.flash, compiled.arena_bytes, size)


def interpreter_memory(size: int, compiled: CompiledModel) -> dict[str, int]:
    """Return the memory in bytes of a program that runs the model in the TFLM interpreter."""
    return _memory(compiled.arena_bytes + INTERPRETER_RAM, size + INTERPRETER_ROM, compiled.arena_bytes, size)


def _memory(ram: int, rom: int, arena: int, size: int) -> dict[str, int]:
    return {"ramRequired": ram, "romRequired": rom, "arenaSize": arena, "modelSize": size}


def _entry(
    device: Device, size: int, default: CompiledModel, ram_optimized: CompiledModel, selected: bool
) -> dict[str, Any]:
    return {
        "mcu": device.mcu,
        "name": device.name,
        "isDefault": selected,
        "latency": latency_ms(default, device),
        "tflite": interpreter_memory(size, default),
        "eon": memory(size, default),
        "eon_ram_optimized": memory(size, ram_optimized),
        "customMetrics": [],
        "hasPerformance": True,
    }


def model_info(model: bytes, variant: str, device: Device) -> dict[str, Any]:
    """Return a `ProfileModelInfo` for one device; it holds the error of a model that cannot be compiled."""
    common = {"variant": variant, "device": device.mcu, "tfliteFileSizeBytes": len(model), "customMetrics": []}
    try:
        default, ram_optimized = compile_model(model), compile_model(model, ram_optimized=True)
    except EitkError as error:
        return {**common, "isSupportedOnMcu": False, "mcuSupportError": str(error), "hasPerformance": False}
    needs = {
        "tflite": interpreter_memory(len(model), default),
        "eon": memory(len(model), default),
        "eonRamOptimized": memory(len(model), ram_optimized),
    }
    return {
        **common,
        "isSupportedOnMcu": True,
        "memory": {name: _details(need) for name, need in needs.items()},
        "timePerInferenceMs": round(latency_ms(default, device)),
        "hasPerformance": True,
    }


def profile_block(task: Task) -> None:
    """Job: estimate the models of a trained learn block again."""
    block = int(task.job.spec["learn"])
    model = task.store.artifacts.model(task.project, block)
    if model is None:
        raise ApiError("This block is not trained yet")
    paths = {name: task.store.blobs.path(digest) for name, digest in model.files.items()}
    performance, unsupported = profile_variants(task, paths)
    summary = {**model.summary, "performance": performance, "unsupported": unsupported}
    task.store.artifacts.put_model(task.project, block, model.files, summary)
    task.log("Profiling 100% done")


def profile_variants(task: Task, paths: Mapping[str, Path | None]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the performance by model variant, and the error message of each variant that cannot be compiled.

    `paths` holds the model files by name, as `tflite-int8`; None if there is no such model.
    """
    selected = task.store.projects.get(task.project).settings.get("latencyDevice")
    performance: dict[str, Any] = {}
    unsupported: dict[str, str] = {}
    for variant in VARIANTS:
        path = paths.get(model_id(variant))
        if path is None:
            continue
        task.log(f"Profiling {variant} model...")
        try:
            performance[variant] = profile(path.read_bytes(), selected)
        except EitkError as error:
            unsupported[variant] = str(error)
            task.log(f"The {variant} model cannot be compiled for a device: {error}")
    return performance, unsupported


def profile_tflite(task: Task) -> None:
    """Job: estimate a model that was uploaded for this job."""
    model = task.store.blobs.read(str(task.job.spec["model"]))
    variant = "int8" if Interpreter(model).is_int8 else "float32"
    info = model_info(model, variant, device(str(task.job.spec["device"])))
    blob = task.store.blobs.put(json.dumps(info).encode())
    task.store.artifacts.put_result(task.project, "profile-tflite", task.job.id, blob)
    task.log("Calculating inferencing time... OK")
    task.log("Profiling 100% done")


def _details(need: Mapping[str, int]) -> dict[str, int]:
    """Return a `ProfileModelInfoMemoryDetails`."""
    return {"ram": need["ramRequired"], "rom": need["romRequired"], "arenaSize": need["arenaSize"]}
