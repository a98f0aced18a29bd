"""`eitk flash`: Compile the pinned library with the sketch and flash a board."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.board.board import BoardContext
from ei_toolkit.board.boards.registry import board_named
from ei_toolkit.board.flash.deployment import FlashRequest
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.next_step import note_next_step
from ei_toolkit.cli.options import BoardOption, PortOption
from ei_toolkit.evaluation.run_log import record_run
from ei_toolkit.report.board_tables import flashed_view, image_view


def flash(
    context: typer.Context,
    image: Annotated[
        Path | None, typer.Argument(help="Compiled image: .bin, or a firmware zip of Edge Impulse.")
    ] = None,
    board: BoardOption = None,
    port: PortOption = None,
    library: Annotated[
        Path | None, typer.Option("--library", help="Library to compile, instead of the one in eitk.lock.")
    ] = None,
    build: Annotated[bool, typer.Option("--build", help="Only compile; flash no board.")] = False,
    own_client: Annotated[bool, typer.Option("--no-arduino-cli", help="Upload without arduino-cli.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Flash although a check fails: another model, or too slow.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check, and report what would be flashed.")] = False,
) -> None:
    """Compile the pinned library with the sketch and flash a board.

    The library is the one that the last `eitk build` pinned in eitk.lock.
    """
    env = Environment.of(context)
    config = env.config(board__name=board, board__port=port)
    target = board_named(config.settings.board.name)
    target.check_port(port)
    request = FlashRequest(
        library=(env.cwd / library) if library else None,
        image=(env.cwd / image) if image else None,
        force=force,
        use_arduino_cli=not own_client,
    )
    board_context = BoardContext(config.settings, config.paths, env.environ, note=env.console.note)
    if dry_run:
        plan = target.plan(board_context, request)
        env.console.result(plan.as_json(), plan.view())
    elif build:
        built = target.build(board_context, request)
        env.console.result(built.as_json(), image_view(built))
    else:
        with env.console.progress("writing, bytes") as progress:
            flashed = target.flash(replace(board_context, advance=progress.advance), request)
        record_run(config, "flash", flashed.as_json())
        env.console.result(flashed.as_json(), flashed_view(flashed))
        note_next_step(env, "flash", f" --board {board}" if board else "")
