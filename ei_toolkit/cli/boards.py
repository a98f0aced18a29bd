"""`eitk boards`: List the boards on USB and the virtual boards.

`eitk board`: Stop or check one board.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import typer

from ei_toolkit.board.board import BoardContext, FoundBoard
from ei_toolkit.board.boards.registry import board_named, find_boards, virtual_board_named
from ei_toolkit.board.transport.ports import usb_ports
from ei_toolkit.board.verify.selftest import check_board
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import PortOption, known_board
from ei_toolkit.config import ProjectPaths, find_config
from ei_toolkit.config.boards import board_choice
from ei_toolkit.report.board_tables import boards_view, change_line

POLL_INTERVAL_S = 0.25
group = typer.Typer(no_args_is_help=True, help="Stop or check one board.")


def changes(find: Callable[[], Sequence[FoundBoard]], polls: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield every board that `find` returns, then each that appears (`change` is "+") or disappears ("-").

    `find` is called `polls` times, or without end.
    """
    known: dict[tuple[str, str], dict[str, Any]] = {}
    while polls is None or polls > 0:
        now = {(board.port, board.state): board.as_json() for board in find()}
        for key in known.keys() - now.keys():
            yield {"change": "-", **known[key]}
        for key in now.keys() - known.keys():
            yield {"change": "+", **now[key]}
        known = now
        if polls is not None:
            polls -= 1
        time.sleep(POLL_INTERVAL_S)


def boards(
    context: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", help="Also report boards that appear or disappear.")] = False,
) -> None:
    """List the boards on USB and the virtual boards.

    With --watch, also report each board that appears or disappears.
    """
    env = Environment.of(context)
    folder = env.config().paths.boards
    if watch:
        for change in changes(lambda: find_boards(folder, usb_ports())):
            if env.console.json_output:
                env.console.event(change)
            else:
                env.console.line(change_line(change))
        return
    found = find_boards(folder, usb_ports())
    env.console.result([board.as_json() for board in found], boards_view(found))


@group.command()
def stop(
    context: typer.Context,
    board: Annotated[
        str | None,
        typer.Argument(help=f"{board_choice(virtual_only=True)}; the configured one if absent.", callback=known_board),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report whether it would be stopped.")] = False,
) -> None:
    """Stop a virtual board."""
    env = Environment.of(context)
    name = board if board is not None else env.config().settings.board.name
    virtual = virtual_board_named(name)
    file = find_config(env.cwd)  # only the folder is used: a board can be stopped when eitk.toml is invalid
    folder = ProjectPaths(file.parent if file else env.cwd).boards
    if dry_run:
        runs = bool(virtual.find(folder, ()))
        data = {"board": name, "dry_run": True, "running": runs}
        env.console.result(data, f"would stop {name}" if runs else f"{name} is not running")
        return
    stopped = virtual.stop(folder)
    env.console.result({"board": name, "stopped": stopped}, f"{name} stopped" if stopped else f"{name} was not running")


@group.command()
def check(
    context: typer.Context,
    board: Annotated[
        str | None, typer.Argument(help=f"{board_choice()}; the configured one if absent.", callback=known_board)
    ] = None,
    port: PortOption = None,
) -> None:
    """Run the self-test of a board and compare level, features and scores with the int8 model in Python."""
    env = Environment.of(context)
    config = env.config(board__name=board, board__port=port)
    board_named(config.settings.board.name).check_port(port)
    answer = check_board(BoardContext(config.settings, config.paths, env.environ))
    env.console.result(answer.as_json(), f"{answer.board} works: samples and scores equal the int8 model in Python")
