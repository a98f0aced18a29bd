"""Where a board's line comes from: a keeper on this machine, or a port on USB that may change its name."""

from __future__ import annotations

from pathlib import Path

from ei_toolkit.board import at
from ei_toolkit.board.link import KeeperLink, Link, LinkLost, running_state
from ei_toolkit.board.ports import Lister, UsbPort, choose
from ei_toolkit.board.serial_port import Unusable, explain, open_port
from ei_toolkit.board.state import STAND_INS, check_name
from ei_toolkit.board.watch import Source
from ei_toolkit.errors import BoardError


def source_of(boards: Path, name: str, port: str, ports: Lister) -> Source:
    """The source of the board `name`. Raises BoardError where there is none to begin with."""
    check_name(name)
    if name in STAND_INS:
        running_state(boards, name)
        return Source(lambda: _stand_in(boards, name))
    return usb_source(choose(ports(), port), ports)


def usb_source(board: UsbPort, ports: Lister) -> Source:
    """A board on USB, found again by its socket or serial number under whatever name it comes back."""

    def open_again() -> Link:
        device = _device_now(board, ports)
        try:
            return open_port(device)
        except Unusable as error:
            raise explain(device, error) from None

    return Source(open_again, at.begin)


def _stand_in(boards: Path, name: str) -> Link:
    try:
        return KeeperLink(running_state(boards, name))
    except BoardError as error:
        raise LinkLost(error.what) from None


def _device_now(board: UsbPort, ports: Lister) -> str:
    if board.state == "unknown":
        return board.device
    for port in ports():
        if port.state == "application" and (port.is_same_board(board) or port.device == board.device):
            return port.device
    raise LinkLost("the board is not plugged in, or in its bootloader")
