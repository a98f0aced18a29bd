"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from ei_toolkit.cli import complete
from ei_toolkit.config.boards import board_choice

BoardOption = Annotated[str | None, typer.Option("--board", help=f"{board_choice()}.", autocompletion=complete.boards)]
PortOption = Annotated[
    str | None, typer.Option("--port", help="Serial port of the board, or auto.", autocompletion=complete.ports)
]
