"""The boards that `[board] name` accepts, with the data that other packages read.

How a board is built, flashed and opened is in the class of the same name in `ei_toolkit/board/boards/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from ei_toolkit.errors import ConfigurationError

UsbState = Literal["application", "bootloader"]


@dataclass(frozen=True)
class BoardSpec:
    """The data of one board. A limit that is None is not checked.

    `virtual` boards are processes on this machine. `warmup_buffers` is the number of microphone buffers (512 samples
    each) that the sketch discards after the microphone was started. `arduino_profile` is a profile of
    firmware/audio_classifier/sketch.yaml, which pins FQBN and core. `usb_ids` are pairs of vendor and product id.
    """

    name: str
    title: str
    virtual: bool
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    clock_hz: int | None = None
    warmup_buffers: int = 2
    arduino_profile: str = ""
    usb_ids: Mapping[tuple[int, int], UsbState] = field(default_factory=lambda: MappingProxyType({}))

    def usb_id(self, state: UsbState) -> str:
        """The first USB id of the board in `state`, as `lsusb` prints it."""
        vendor, product = next(pair for pair, listed in self.usb_ids.items() if listed == state)
        return f"{vendor:04x}:{product:04x}"


ARDUINO_VENDOR = 0x2341
MICROPHONE_RATE_HZ = 16_000  # of every board: kSampleRate in firmware/audio_classifier/microphone.h
NRF52840_CLOCK_HZ = 64_000_000
SKETCH_RAM = 46 * 1024  # bytes of the sketch and the Arduino core without a model

SKETCH_FLASH = 28 * 1024  # bytes of the sketch without a model and the Arduino core: measured on the emulated board
RECORDING_MS_PER_S = 59.0  # of a Cortex-M4F with 62.5 million instructions a second: measured on the emulated board


def window_ram_bytes(samples: int, features: int) -> int:
    """Return the RAM of the last window as int16, the int8 features and the sketch, without the model's arena."""
    return 2 * samples + features + SKETCH_RAM


def shorter_window(ram_bytes: int, features: int, sample_rate: float) -> str:
    """Return the hint about a window that does not fit: the length that fills the RAM, and half of it."""
    longest_ms = (ram_bytes - window_ram_bytes(0, features)) / 2 / sample_rate * 1000
    return f"set slice.window_ms well below {int(longest_ms / 100) * 100}, for example {int(longest_ms / 200) * 100}"


def rate_problem(sample_rate: float) -> str:
    """Return why a board cannot run an impulse of this sample rate in Hz; empty if it can."""
    if sample_rate == MICROPHONE_RATE_HZ:
        return ""
    return f"the sample rate of the impulse is {sample_rate:g} Hz, that of the microphone is {MICROPHONE_RATE_HZ} Hz"


NANO33BLE = BoardSpec(
    name="nano33ble",
    title="Nano 33 BLE",
    virtual=False,
    flash_bytes=983_040,  # 1 MB less the 64 KB of the bootloader
    ram_bytes=256 * 1024,
    clock_hz=NRF52840_CLOCK_HZ,
    warmup_buffers=16,  # half a second, in which the level of the PDM microphone becomes stable
    arduino_profile="nano33ble",
    # Nano 33 BLE and Nano 33 BLE Sense (Rev1, Rev2): pins_arduino.h and boards.txt of Arduino's mbed core
    usb_ids=MappingProxyType(
        {
            (ARDUINO_VENDOR, 0x805A): "application",
            (ARDUINO_VENDOR, 0x815A): "application",
            (ARDUINO_VENDOR, 0x825A): "application",
            (ARDUINO_VENDOR, 0x005A): "bootloader",
            (ARDUINO_VENDOR, 0x015A): "bootloader",
            (ARDUINO_VENDOR, 0x025A): "bootloader",
        }
    ),
)
EMULATED = BoardSpec(
    name="emulated",
    title="emulated Cortex-M4F",
    virtual=True,
    flash_bytes=1024 * 1024,
    ram_bytes=256 * 1024,
    clock_hz=NRF52840_CLOCK_HZ,
)
HOST = BoardSpec(name="host", title="program for this machine", virtual=True)

BOARDS: dict[str, BoardSpec] = {spec.name: spec for spec in (NANO33BLE, EMULATED, HOST)}


def board_spec(name: str) -> BoardSpec:
    """The data of the board `name`. Raises ConfigurationError for a name that is not in BOARDS."""
    if name not in BOARDS:
        names = ", ".join(BOARDS)
        raise ConfigurationError(f"{name!r} is not a board", hint=f"Use one of {names}.")
    return BOARDS[name]


def board_choice(*, virtual_only: bool = False) -> str:
    """The names of the boards for help texts: `nano33ble, emulated or host`."""
    *names, last = [spec.name for spec in BOARDS.values() if spec.virtual or not virtual_only]
    return f"{', '.join(names)} or {last}" if names else last
