"""`eitk boards` and `eitk board stop`: what is there, and ending a board that runs on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from ei_toolkit.commands.environment import Environment


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("boards")(boards)
    group = typer.Typer(no_args_is_help=True, help="Boards that run on this machine.")
    group.command("stop")(stop)
    app.add_typer(group, name="board")


def boards(context: typer.Context) -> None:
    """List boards that run on this machine."""
    from dataclasses import asdict

    from ei_toolkit.board.stand_in import running_boards
    from ei_toolkit.board.views import boards_view

    env = Environment.of(context)
    found = list(running_boards(env.config().paths.boards))
    env.console.result([asdict(state) | {"address": state.address} for state in found], boards_view(found))


def stop(
    context: typer.Context,
    board: Annotated[str | None, typer.Argument(help="emulated or host; the configured one if absent.")] = None,
) -> None:
    """Stop a board that runs on this machine."""
    from ei_toolkit.board.stand_in import stop as stop_board

    env = Environment.of(context)
    config = env.config()
    name = board or config.settings.board.name
    stopped = stop_board(config.paths.boards, name)
    env.console.result({"board": name, "stopped": stopped}, f"{name} stopped" if stopped else f"{name} did not run")
