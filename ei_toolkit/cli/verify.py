"""`eitk verify`: Compare the scores of a board with those of the int8 model in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.board.board import BoardContext
from ei_toolkit.board.boards.registry import board_named
from ei_toolkit.board.verify.verify import verify_clips
from ei_toolkit.cli.compare_microphone import compare_microphone
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import BoardOption, PortOption
from ei_toolkit.config import Config
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.provenance import PROVENANCE_NAME, read_provenance
from ei_toolkit.errors import UsageError
from ei_toolkit.evaluation.classify import trained_on
from ei_toolkit.evaluation.run_log import record_run
from ei_toolkit.report.board_tables import verification_json, verification_view


def verify(
    context: typer.Context,
    clips: Annotated[list[Path], typer.Argument(help="Clips; the label is the folder's name.")],
    compare: Annotated[
        bool, typer.Option("--compare", help="Compare the microphone with the files instead: level, bands and noise.")
    ] = False,
    profile: Annotated[
        Path | None, typer.Option(help="With --compare: write a profile for [slice.augment] profile.")
    ] = None,
    room: Annotated[
        int | None,
        typer.Option(min=0, help="With --compare and a virtual board: number of a simulated loudspeaker and room."),
    ] = None,
    board: BoardOption = None,
    port: PortOption = None,
) -> None:
    """Compare the scores of a board with those of the int8 model in Python.

    Prints a summary and the windows that differ; with --verbose a row for each window. With --compare the clips are
    played and recorded, and the gain of each band, the tilt and the noise of the microphone are shown.
    """
    env = Environment.of(context)
    config = env.config(board__name=board, board__port=port)
    target = board_named(config.settings.board.name)
    target.check_port(port)
    if compare:
        compare_microphone(env, config, clips, profile, room)
        return
    if profile or room is not None:
        raise UsageError("--profile and --room need --compare", hint="Add --compare.")
    with env.console.progress("verified clips", len(clips)) as progress:
        verified = verify_clips(
            BoardContext(config.settings, config.paths, env.environ),
            [env.cwd / clip for clip in clips],
            progress.advance,
        )
    board_settings = config.settings.board
    figures = verification_json(board_settings.name, verified, board_settings.threshold)
    record_run(config, "verify", figures["summary"])
    _warn_of_training_clips(env, config, [env.cwd / clip for clip in clips])
    env.console.result(
        figures,
        verification_view(board_settings.name, verified, board_settings.threshold, windows=env.console.verbose),
    )


def _warn_of_training_clips(env: Environment, config: Config, clips: list[Path]) -> None:
    """Warn if the model was trained on some of the clips, because its accuracy for them is that of no other clip."""
    lock = read_lock(config.paths.lock)
    folder = lock.model_path(config.paths.root).parent if lock else None
    provenance = read_provenance(folder / PROVENANCE_NAME) if folder else None
    known = sum(bool(trained_on(clip, provenance)) for clip in clips) if provenance else 0
    if known:
        env.console.warn(
            f"the model was trained on {known} of {counted(len(clips), 'clip')} or on their artists; for other clips"
            " the accuracy is lower"
        )
