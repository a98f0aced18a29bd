"""Devices that a model can be profiled for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Device:
    """A processor: clock in MHz, memory in bytes."""

    mcu: str
    name: str
    clock_mhz: float
    architecture: str
    fpu: bool
    ram: int
    rom: int


DEVICES = (
    Device("arduino-nano-33-ble", "Arduino Nano 33 BLE Sense (Cortex-M4F 64MHz)", 64, "cortex-m4f", True, 2**18, 2**20),
    Device("cortex-m4f-80mhz", "Cortex-M4F 80MHz", 80, "cortex-m4f", True, 2**17, 2**20),
    Device("cortex-m7-216mhz", "Cortex-M7 216MHz", 216, "cortex-m7", True, 2**19, 2**21),
    Device(
        "raspberry-pi-rp2040", "Raspberry Pi RP2040 (Cortex-M0+ 133MHz)", 133, "cortex-m0+", False, 264 * 2**10, 2**21
    ),
)
DEFAULT_DEVICE = DEVICES[0]


def device(mcu: str | None) -> Device:
    """Return the device with a name, or the default device."""
    return next((device for device in DEVICES if device.mcu == mcu), DEFAULT_DEVICE)
