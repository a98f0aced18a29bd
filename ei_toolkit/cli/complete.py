"""Values of options for the completion of the shell: boards, ports, recipes, champions."""

from __future__ import annotations

import os
from pathlib import Path

from ei_toolkit.board.transport.ports import usb_ports
from ei_toolkit.config import load_config
from ei_toolkit.config.boards import BOARDS
from ei_toolkit.config.recipes import recipe_names
from ei_toolkit.errors import EitkError


def boards() -> list[str]:
    """Return the values of `[board] name`."""
    return list(BOARDS)


def ports() -> list[str]:
    """Return the serial ports of boards that are connected now."""
    return ["auto", *(port.device for port in usb_ports())]


def recipes() -> list[str]:
    """Return the names of the recipes that eitk contains."""
    return recipe_names()


def champions() -> list[str]:
    """Return the names of the earlier champions of the project in the working directory; none where it has faults."""
    from ei_toolkit.evaluation.champions import list_champions  # numpy, which other completions need not wait for

    try:
        return [one.name for one in list_champions(load_config(Path.cwd(), os.environ).paths) if not one.is_champion]
    except EitkError:
        return []
