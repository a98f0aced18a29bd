"""`eitk play`: Stream clips to the microphone of a virtual board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.board.boards.registry import virtual_board_named
from ei_toolkit.cli import complete
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import known_board
from ei_toolkit.config.boards import board_choice
from ei_toolkit.config.units import counted


def play(
    context: typer.Context,
    clips: Annotated[list[Path], typer.Argument(help="Clips of any format that slice reads.")],
    board: Annotated[
        str | None,
        typer.Option(
            "--board",
            help=f"{board_choice(virtual_only=True)}.",
            autocompletion=complete.boards,
            callback=known_board,
        ),
    ] = None,
    restart: Annotated[
        bool,
        typer.Option(
            "--restart/--no-restart", help="Start the classification anew; not while eitk connect records a sample."
        ),
    ] = True,
) -> None:
    """Stream clips to the microphone of a virtual board.

    `eitk tail` shows the predictions. A sample that the studio requests (eitk connect) takes what is played with
    --no-restart after its beginning.
    """
    env = Environment.of(context)
    config = env.config(board__name=board)
    microphone = virtual_board_named(config.settings.board.name).microphone(config.paths.boards)
    cut = config.settings.slice
    played = []
    for clip in clips:
        samples = read_clip(env.cwd / clip, cut.sample_rate, reading=cut.reading, warn=env.console.warn)
        with env.console.progress(f"playing {clip.name}, samples", len(samples)) as progress:
            processed = microphone.stream_pcm(samples, progress.advance, restart=restart)
        played.append({"clip": str(clip), "seconds": processed / cut.sample_rate})
        env.console.note(f"{clip.name}: {processed / cut.sample_rate:.1f} s played")
    name = microphone.board
    env.console.result({"board": name, "played": played}, f"played {counted(len(played), 'clip')} to the {name} board")
