"""Boards on USB: which ports there are, what is behind each, and in what state it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ei_toolkit.board.emulator.virtual_boards import USB_BOARD, VIRTUAL_BOARDS
from ei_toolkit.errors import BoardError, UsageError

State = Literal["application", "bootloader", "unknown"]
ARDUINO = 0x2341
# Nano 33 BLE and Nano 33 BLE Sense (Rev1, Rev2): pins_arduino.h and boards.txt of Arduino's mbed core
NAMES = {
    (ARDUINO, 0x805A): "application",
    (ARDUINO, 0x815A): "application",
    (ARDUINO, 0x825A): "application",
    (ARDUINO, 0x005A): "bootloader",
    (ARDUINO, 0x015A): "bootloader",
    (ARDUINO, 0x025A): "bootloader",
}


@dataclass(frozen=True)
class UsbPort:
    """A serial port and the board behind it. `location` is the socket it is plugged into, the same after a reset."""

    device: str
    board: str
    state: State
    vid: int
    pid: int
    serial_number: str = ""
    location: str = ""

    def is_same_board(self, other: UsbPort) -> bool:
        """Whether both are one board, before and after a reset; socket and serial number tell, the name does not."""
        if self.location and other.location:
            return self.location == other.location
        return bool(self.serial_number) and self.serial_number == other.serial_number


Lister = Callable[[], Sequence[UsbPort]]


def usb_ports() -> list[UsbPort]:
    """Every Nano 33 BLE that is plugged in."""
    from serial.tools import list_ports

    found = []
    for port in list_ports.comports():
        state = NAMES.get((port.vid or 0, port.pid or 0))
        if state is not None:
            found.append(
                UsbPort(
                    device=port.device,
                    board=USB_BOARD,
                    state="application" if state == "application" else "bootloader",
                    vid=port.vid,
                    pid=port.pid,
                    serial_number=port.serial_number or "",
                    location=(port.location or "").split(":")[0],
                )
            )
    return sorted(found, key=lambda port: port.device)


def choose(ports: Sequence[UsbPort], wanted: str) -> UsbPort:
    """The port to use; `wanted` is a device name or "auto". Raises BoardError where there is none, or a choice."""
    if wanted != "auto":
        named = [port for port in ports if port.device == wanted]
        return named[0] if named else _unlisted(wanted)
    if not ports:
        raise BoardError(
            "no Nano 33 BLE is plugged in",
            why="no USB device 2341:805a (running a sketch) or 2341:005a (in its bootloader)",
            hint="Plug it in with a cable that carries data (many only charge); if it stays unseen, press its reset "
            "button twice, quickly. Or try it without a board: --board emulated",
        )
    if len(ports) > 1:
        names = ", ".join(f"{port.device} ({port.state})" for port in ports)
        raise BoardError("two boards are plugged in, and only one can be meant", why=names, hint="Name it: --port PORT")
    return ports[0]


def check_port(name: str, port: str | None) -> None:
    """Raises UsageError where a port is named for a board that has none: it would go unused."""
    if port not in (None, "auto") and name in VIRTUAL_BOARDS:
        raise UsageError(
            f"the {name} board runs on this machine and has no port {port}",
            hint=f"Leave out --port, or name the board on it: --board {USB_BOARD}",
        )


def _unlisted(device: str) -> UsbPort:
    """A port behind which no board is recognised: behind an adapter, or an address such as socket://."""
    if "://" not in device and not Path(device).exists():
        raise BoardError(
            f"there is no port {device}",
            hint="See which boards are there: eitk boards; --port auto takes the only one.",
        )
    return UsbPort(device, USB_BOARD, "unknown", 0, 0)
