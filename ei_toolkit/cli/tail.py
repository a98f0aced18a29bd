"""`eitk tail`: Show the predictions of a board as they arrive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live

from ei_toolkit.board.durations import parse_duration
from ei_toolkit.board.protocol.events import Event, Prediction, Warning
from ei_toolkit.board.protocol.parser import Parser
from ei_toolkit.board.transport.ports import check_port, usb_ports
from ei_toolkit.board.transport.watch import follow, source_of, until
from ei_toolkit.cli import complete
from ei_toolkit.cli.environment import Environment
from ei_toolkit.config import BoardSettings
from ei_toolkit.report.event_sinks import Sink, both, json_lines, log_file, rate_limited
from ei_toolkit.report.tail_view import View, plain_line


def tail(
    context: typer.Context,
    board: Annotated[
        str | None, typer.Option("--board", help="nano33ble, emulated or host.", autocompletion=complete.boards)
    ] = None,
    port: Annotated[
        str | None, typer.Option("--port", help="Serial port of the board, or auto.", autocompletion=complete.ports)
    ] = None,
    count: Annotated[int | None, typer.Option("--count", "-n", min=1, help="End after so many predictions.")] = None,
    duration: Annotated[str | None, typer.Option("--for", help="End after a time: 60s, 5m.")] = None,
    every: Annotated[str | None, typer.Option("--every", help="Show at most one prediction in this time.")] = None,
    log: Annotated[Path | None, typer.Option("--log", help="Also write to a file: .csv, .jsonl, .log.")] = None,
) -> None:
    """Show the predictions of a board as they arrive.

    On a terminal a live view, otherwise plain lines, and with --json one JSON object for each event (NDJSON).
    """
    env = Environment.of(context)
    config = env.config(board__name=board, board__port=port)
    settings = config.settings.board
    check_port(settings.name, port)
    seconds = parse_duration(duration) if duration else None
    source = source_of(config.paths.boards, settings.name, settings.port, usb_ports)
    with _shown(env, settings) as shown, log_file(env.cwd / log if log else None) as logged:
        sink = both(rate_limited(shown, parse_duration(every)) if every else shown, logged)
        for event in until(follow(source, Parser(settings.threshold), seconds=seconds), count):
            sink(event)


@contextmanager
def _shown(env: Environment, settings: BoardSettings) -> Iterator[Sink]:
    """Where a person or a program looks: NDJSON, a live view, or lines."""
    if env.console.json_output:
        yield json_lines(env.console.stdout)
    elif env.console.stdout.isatty():
        view = View(settings.name, settings.colours)
        screen = env.console.rich(env.console.stdout)
        with Live(get_renderable=view.render, console=screen, refresh_per_second=8):
            yield view.take
    else:

        def show(event: Event) -> None:
            if isinstance(event, Prediction):
                env.console.line(plain_line(event))
            elif isinstance(event, Warning):
                env.console.warn(event.text)
            elif words := plain_line(event):
                env.console.note(words)

        yield show
