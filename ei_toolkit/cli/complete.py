"""What the shell offers when Tab is pressed behind an option: boards, ports, recipes."""

from __future__ import annotations


def boards() -> list[str]:
    """Names of `[board] name`."""
    from ei_toolkit.config.boards import BOARDS

    return list(BOARDS)


def ports() -> list[str]:
    """Serial ports that are plugged in now."""
    from ei_toolkit.board.transport.ports import usb_ports

    return ["auto", *(port.device for port in usb_ports())]


def recipes() -> list[str]:
    """Names of the recipes that ship."""
    from ei_toolkit.config.recipes import recipe_names

    return recipe_names()
