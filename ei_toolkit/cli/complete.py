"""Values of options for the completion of the shell: boards, ports, recipes."""

from __future__ import annotations

from ei_toolkit.board.transport.ports import usb_ports
from ei_toolkit.config.boards import BOARDS
from ei_toolkit.config.recipes import recipe_names


def boards() -> list[str]:
    """Return the values of `[board] name`."""
    return list(BOARDS)


def ports() -> list[str]:
    """Return the serial ports of boards that are connected now."""
    return ["auto", *(port.device for port in usb_ports())]


def recipes() -> list[str]:
    """Return the names of the recipes that eitk contains."""
    return recipe_names()
