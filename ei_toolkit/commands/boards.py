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


def boards(
    context: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and tell what comes and goes.")] = False,
) -> None:
    """List boards: those on USB, and those that run on this machine."""
    from ei_toolkit.board.inventory import changes
    from ei_toolkit.board.ports import usb_ports
    from ei_toolkit.board.stand_in import running_boards
    from ei_toolkit.board.views import boards_json, boards_view, change_line

    env = Environment.of(context)
    folder = env.config().paths.boards
    if watch:
        for change in changes(usb_ports, lambda: list(running_boards(folder))):
            if env.console.json_output:
                env.console.event(change)
            else:
                env.console.line(change_line(change))
        return
    running, plugged = list(running_boards(folder)), usb_ports()
    env.console.result(boards_json(running, plugged), boards_view(running, plugged))


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
