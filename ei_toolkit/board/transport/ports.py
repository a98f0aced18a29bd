"""Boards on USB: their serial ports, and the state that each board is in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ei_toolkit.config.boards import BOARDS, BoardSpec
from ei_toolkit.errors import BoardError
from ei_toolkit.system import is_serial_device

PortState = Literal["application", "bootloader", "unknown"]


@dataclass(frozen=True)
class UsbPort:
    """A serial port and the board on it. `location` is the USB socket, which is the same after a reset."""

    device: str
    board: str
    state: PortState
    vid: int
    pid: int
    serial_number: str = ""
    location: str = ""

    def is_same_board(self, other: UsbPort) -> bool:
        """Whether both are one board, by socket or serial number: the device name may change with a reset."""
        if self.location and other.location:
            return self.location == other.location
        return bool(self.serial_number) and self.serial_number == other.serial_number


Lister = Callable[[], Sequence[UsbPort]]


def usb_ports() -> list[UsbPort]:
    """List every board on USB whose ids are in the boards' data."""
    from serial.tools import list_ports  # imported here because shell completion loads this module

    known = {usb_id: (spec.name, state) for spec in BOARDS.values() for usb_id, state in spec.usb_ids.items()}
    found = []
    for port in list_ports.comports():
        board, state = known.get((port.vid or 0, port.pid or 0), ("", None))
        if state is not None:
            found.append(
                UsbPort(
                    device=port.device,
                    board=board,
                    state=state,
                    vid=port.vid,
                    pid=port.pid,
                    serial_number=port.serial_number or "",
                    location=(port.location or "").split(":")[0],
                )
            )
    return sorted(found, key=lambda port: port.device)


def choose(ports: Sequence[UsbPort], requested: str, spec: BoardSpec) -> UsbPort:
    """Return the port of a board of the kind `spec`; `requested` is a device name, or "auto" for the only one.

    Raises BoardError if there is no such port, or more than one for "auto".
    """
    if requested != "auto":
        named = [port for port in ports if port.device == requested]
        return named[0] if named else _unlisted(requested, spec)
    matching = [port for port in ports if port.board == spec.name]
    if not matching:
        raise BoardError(
            f"no {spec.title} is plugged in",
            why=f"no USB device {spec.usb_id('application')} (running a sketch) or {spec.usb_id('bootloader')} (in its "
            "bootloader)",
            hint="Plug it in with a cable that carries data (many only charge); if it is still not listed, press its "
            "reset button twice, quickly. Or use a virtual board: --board emulated",
        )
    if len(matching) > 1:
        names = ", ".join(f"{port.device} ({port.state})" for port in matching)
        raise BoardError(f"{len(matching)} boards are plugged in", why=names, hint="Name one of them: --port PORT")
    return matching[0]


def _unlisted(device: str, spec: BoardSpec) -> UsbPort:
    """A port on which no board is recognised, such as an adapter or an address like socket://."""
    if "://" not in device and not is_serial_device(device):
        raise BoardError(
            f"there is no port {device}",
            hint="List the boards: eitk boards; --port auto takes the only one.",
        )
    return UsbPort(device, spec.name, "unknown", 0, 0)
