"""What a model needs on a device: memory from the compiled plan, time estimated from its multiplications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ei_toolkit.eon.compile import CompiledModel, compile_model
from ei_toolkit.studio.devices import DEVICES, Device

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
    return [_entry(device, len(model), plain, tight, device.mcu == selected) for device in DEVICES]


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
