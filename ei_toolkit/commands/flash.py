"""`eitk flash`: put the pinned model on a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.commands.environment import Environment


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("flash")(flash)


def flash(
    context: typer.Context,
    board: Annotated[str | None, typer.Option("--board", help="nano33ble, emulated or host.")] = None,
    library: Annotated[Path | None, typer.Option("--library", help="Library, instead of the one in eitk.lock.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Flash a model that is not the one in eitk.lock.")] = False,
) -> None:
    """Compile the library of the last `eitk build` with the sketch and start the board with it."""
    from ei_toolkit.board.flash import flash_stand_in
    from ei_toolkit.board.views import flashed_json, flashed_view
    from ei_toolkit.report.runs import record_run

    env = Environment.of(context)
    config = env.config(board__name=board)
    flashed = flash_stand_in(
        config.settings,
        config.paths,
        config.settings.board.name,
        library=(env.cwd / library) if library else None,
        force=force,
        say=env.console.note,
    )
    facts = flashed_json(flashed)
    record_run(config, "flash", facts)
    env.console.result(facts, flashed_view(flashed))
