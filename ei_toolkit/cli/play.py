"""`eitk play`: Stream clips to the microphone of a virtual board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.board.emulator.microphone import feed
from ei_toolkit.board.transport.link import running_state
from ei_toolkit.cli import complete
from ei_toolkit.cli.environment import Environment


def play(
    context: typer.Context,
    clips: Annotated[list[Path], typer.Argument(help="Clips: wav, au, flac, mp3, ogg.")],
    board: Annotated[
        str | None, typer.Option("--board", help="emulated or host.", autocompletion=complete.boards)
    ] = None,
) -> None:
    """Stream clips to the microphone of a virtual board.

    `eitk tail` shows the predictions.
    """
    env = Environment.of(context)
    config = env.config(board__name=board)
    state = running_state(config.paths.boards, config.settings.board.name)
    rate = config.settings.slice.sample_rate
    played = []
    for clip in clips:
        samples = read_clip(env.cwd / clip, rate)
        with env.console.progress(f"playing {clip.name}, samples", len(samples)) as progress:
            heard = feed(state, samples, progress.advance)
        played.append({"clip": str(clip), "seconds": heard / rate})
        env.console.note(f"{clip.name}: {heard / rate:.1f} s played")
    env.console.result({"board": state.board, "played": played}, f"played {len(played)} to the {state.board} board")
