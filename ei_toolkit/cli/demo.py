"""`eitk demo`: Run the whole pipeline, from clips to the predictions of a virtual board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.board.boards.registry import virtual_board_named
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import known_board, known_recipe
from ei_toolkit.cli.workflows.demo import demo_view, run_demo


def demo(
    context: typer.Context,
    clips: Annotated[
        Path | None, typer.Argument(help="Folder or zip of clips, in any layout; synthetic ones if absent.")
    ] = None,
    folder: Annotated[Path, typer.Option("--dir", help="Folder to work in.")] = Path("eitk-demo"),
    recipe: Annotated[str, typer.Option(help="Recipe: robust or reference.", callback=known_recipe)] = "robust",
    board: Annotated[
        str | None,
        typer.Option(
            help="Board: emulated or host; emulated if its tools are installed, if absent.", callback=known_board
        ),
    ] = None,
) -> None:
    """Run the whole pipeline, from clips to the predictions of a virtual board.

    The stages are slice, upload, impulse apply, train, build, flash, play, tail and the on-device verification of
    clips that are held out of training. Each stage runs as an eitk command of its own.
    """
    env = Environment.of(context)
    if board is not None:
        virtual_board_named(board)
    source = None if clips is None else (env.cwd / clips).resolve()
    result = run_demo(source, env.cwd / folder, env.console, recipe=recipe, board=board, options=env.options)
    env.console.result(result.as_json(), demo_view(result))
