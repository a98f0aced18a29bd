"""Values of options for the completion of the shell: boards, ports, recipes."""

from __future__ import annotations


def boards() -> list[str]:
    """Return the values of `[board] name`."""
    from ei_toolkit.config.boards import BOARDS

    return list(BOARDS)


def ports() -> list[str]:
    """Return the serial ports of boards that are connected now."""
    from ei_toolkit.board.transport.ports import usb_ports

    return ["auto", *(port.device for port in usb_ports())]


def recipes() -> list[str]:
    """Return the names of the recipes that eitk contains."""
    from ei_toolkit.config.recipes import recipe_names

    return recipe_names()
