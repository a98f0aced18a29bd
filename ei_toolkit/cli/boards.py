"""`eitk boards`: List the boards on USB and the virtual boards.

`eitk board`: Stop or check one board.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import typer

from ei_toolkit.board.emulator.virtual_boards import BoardState, check_virtual_board, running_boards
from ei_toolkit.board.emulator.virtual_boards import stop as stop_board
from ei_toolkit.board.transport.ports import Lister, check_port, usb_ports
from ei_toolkit.board.verify.selftest import check_board
from ei_toolkit.cli import complete
from ei_toolkit.cli.environment import Environment
from ei_toolkit.config import ProjectPaths, find_config
from ei_toolkit.report.board_tables import boards_json, boards_view, change_line

POLL_S = 0.25
group = typer.Typer(no_args_is_help=True, help="Stop or check one board.")


def changes(
    plugged: Lister, running: Callable[[], Sequence[BoardState]], polls: int | None = None
) -> Iterator[dict[str, Any]]:
    """Every board that is there, then every one that comes (`change` is "+") or goes ("-"), for `polls` looks."""
    known: dict[tuple[str, str], dict[str, Any]] = {}
    while polls is None or polls > 0:
        now = {(board["port"], board["state"]): board for board in boards_json(running(), plugged())}
        for key in known.keys() - now.keys():
            yield {"change": "-", **known[key]}
        for key in now.keys() - known.keys():
            yield {"change": "+", **now[key]}
        known = now
        if polls is not None:
            polls -= 1
        time.sleep(POLL_S)


def boards(
    context: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and tell what comes and goes.")] = False,
) -> None:
    """List the boards on USB and the virtual boards.

    With --watch, also report each board that appears or disappears.
    """
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


@group.command()
def stop(
    context: typer.Context,
    board: Annotated[str | None, typer.Argument(help="emulated or host; the configured one if absent.")] = None,
) -> None:
    """Stop a board that runs on this machine."""
    env = Environment.of(context)
    name = board if board is not None else env.config().settings.board.name
    check_virtual_board(name)
    file = find_config(env.cwd)  # only its place: a wrong value in it keeps no board running
    stopped = stop_board(ProjectPaths(file.parent if file else env.cwd).boards, name)
    env.console.result({"board": name, "stopped": stopped}, f"{name} stopped" if stopped else f"{name} did not run")


@group.command()
def check(
    context: typer.Context,
    board: Annotated[
        str | None, typer.Argument(help="nano33ble, emulated or host; the configured one if absent.")
    ] = None,
    port: Annotated[
        str | None, typer.Option("--port", help="Serial port of the board, or auto.", autocompletion=complete.ports)
    ] = None,
) -> None:
    """Let a board run its self-test and compare level, features and scores with the int8 model in Python."""
    env = Environment.of(context)
    config = env.config(board__name=board, board__port=port)
    check_port(config.settings.board.name, port)
    answer = check_board(config.settings, config.paths, usb_ports)
    env.console.result(answer.as_json(), f"{answer.board} works: samples and scores equal the int8 model in Python")
