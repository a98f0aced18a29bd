"""`eitk connect`: Connect a board to the studio, which lets it record samples."""

from __future__ import annotations

from typing import Annotated

import typer

from ei_toolkit.api.connect import ConnectedSample, Connector
from ei_toolkit.api.connection import connect_studio, endpoint_of
from ei_toolkit.board.board import BoardContext
from ei_toolkit.board.boards.registry import board_named
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import BoardOption, PortOption
from ei_toolkit.cli.tail import parse_duration
from ei_toolkit.client.remote_management import RunningModel
from ei_toolkit.config.lockfile import read_lock


def connect(
    context: typer.Context,
    board: BoardOption = None,
    port: PortOption = None,
    count: Annotated[int | None, typer.Option("--count", "-n", min=1, help="End after so many samples.")] = None,
    duration: Annotated[str | None, typer.Option("--for", help="End after a time: 60s, 5m, 1h.")] = None,
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Let the studio show what the board predicts, live.")
    ] = False,
) -> None:
    """Connect a board to the studio, which lets it record samples.

    The board is then a device of the project. Samples are requested in the studio, or with start_sampling of the
    official client; each is recorded with the board and uploaded. A board that is unplugged and a studio that does not
    answer are waited for; a key that is not accepted ends the command. One line for each sample, with --json an object.
    """
    env = Environment.of(context)
    config = env.config(board__name=board, board__port=port)
    target = board_named(config.settings.board.name)
    target.check_port(port)
    seconds = parse_duration(duration, "--for") if duration else None
    source = target.source(BoardContext(config.settings, config.paths, env.environ))
    studio = connect_studio(config, env.environ, note=env.console.note, warn=env.console.warn, creates=True)
    lock = read_lock(config.paths.lock)
    version = lock.deployment_version if lock else 0
    model = RunningModel(studio.project, config.settings.project.name, version) if predictions else None

    def show(sample: ConnectedSample) -> None:
        if env.console.json_output:
            env.console.event(vars(sample))
        else:
            env.console.line(f"{sample.category} {sample.label}: {sample.file}, {sample.bytes:,} bytes")

    Connector(source, lambda: endpoint_of(config, env.environ), env.console.note, show, seconds, count, model).run()
