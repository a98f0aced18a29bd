"""`eitk demo`: the main job, from clips to a board's predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.cli.environment import Environment


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("demo")(demo)


def demo(
    context: typer.Context,
    clips: Annotated[
        Path | None, typer.Argument(help="Folder of clips, CLIPS/<label>/*; synthetic ones if absent.")
    ] = None,
    folder: Annotated[Path, typer.Option("--dir", help="Folder to work in.")] = Path("eitk-demo"),
    recipe: Annotated[str, typer.Option(help="Recipe: robust or reference.")] = "robust",
    board: Annotated[str | None, typer.Option(help="Board: emulated or host; the best one at hand if absent.")] = None,
) -> None:
    """Run the main job: slice, upload, train, build, flash an emulated board and let it listen to unseen clips."""
    from ei_toolkit.board.emulator.virtual_boards import check_virtual_board
    from ei_toolkit.cli.workflows.demo import demo_view, run_demo

    env = Environment.of(context)
    if board is not None:
        check_virtual_board(board)
    source = None if clips is None else (env.cwd / clips).resolve()
    result = run_demo(source, env.cwd / folder, env.console, recipe=recipe, board=board)
    env.console.result(result.as_json(), demo_view(result))
