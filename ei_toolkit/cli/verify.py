"""`eitk verify`: Compare the scores of a board with those of the int8 model in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.board.board import BoardContext
from ei_toolkit.board.boards.registry import board_named
from ei_toolkit.board.verify.verify import verify_clips
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import BoardOption, PortOption
from ei_toolkit.evaluation.run_log import record_run
from ei_toolkit.report.board_tables import verification_json, verification_view


def verify(
    context: typer.Context,
    clips: Annotated[list[Path], typer.Argument(help="Clips; the label is the folder's name.")],
    board: BoardOption = None,
    port: PortOption = None,
) -> None:
    """Compare the scores of a board with those of the int8 model in Python.

    Prints a summary and the windows that differ; with --verbose a row for each window.
    """
    env = Environment.of(context)
    config = env.config(board__name=board, board__port=port)
    board_named(config.settings.board.name).check_port(port)
    with env.console.progress("verified clips", len(clips)) as progress:
        verified = verify_clips(
            BoardContext(config.settings, config.paths, env.environ),
            [env.cwd / clip for clip in clips],
            progress.advance,
        )
    board_settings = config.settings.board
    figures = verification_json(board_settings.name, verified, board_settings.threshold)
    record_run(config, "verify", figures["summary"])
    env.console.result(
        figures,
        verification_view(board_settings.name, verified, board_settings.threshold, windows=env.console.verbose),
    )
