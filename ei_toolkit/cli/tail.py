"""`eitk tail`: Show the predictions of a board as they arrive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live

from ei_toolkit.board.board import BoardContext
from ei_toolkit.board.boards.registry import board_named
from ei_toolkit.board.protocol.events import Event, Line, Prediction, Warning
from ei_toolkit.board.protocol.parser import Parser
from ei_toolkit.board.protocol.unparsed import RawLines, report_unknown_scores
from ei_toolkit.board.transport.watch import follow, until
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import BoardOption, PortOption
from ei_toolkit.config import BoardSettings
from ei_toolkit.errors import UsageError
from ei_toolkit.report.event_sinks import Sink, both, check_suffix, json_lines, log_file, rate_limited
from ei_toolkit.report.tail_view import View, plain_line

UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
COUNT_TIMEOUT_S = 60.0  # with --count and without --timeout
DURATION = re.compile(r"^(\d+(?:\.\d+)?)(ms|s|m|h|)$")


def parse_duration(text: str, option: str) -> float:
    """Return the seconds of a time such as 45s, 5m, 1h or 12. Raises UsageError, which names the option."""
    match = DURATION.match(text.strip())
    if match is None:
        raise UsageError(f"{option} {text!r} is not a time", hint="Write 45s, 5m or 1h.")
    return float(match[1]) * UNITS[match[2]]


def tail(
    context: typer.Context,
    board: BoardOption = None,
    port: PortOption = None,
    count: Annotated[
        int | None,
        typer.Option("--count", "-n", min=1, help="End after so many predictions, or lines with --raw."),
    ] = None,
    duration: Annotated[str | None, typer.Option("--for", help="End after a time: 60s, 5m.")] = None,
    timeout: Annotated[
        str | None,
        typer.Option(
            "--timeout",
            help="Fail if no prediction arrives for this time; 0 waits without end. With --count it is 60s if omitted.",
        ),
    ] = None,
    every: Annotated[
        str | None, typer.Option("--every", help="Show at most one prediction in this time, such as 5s.")
    ] = None,
    log: Annotated[Path | None, typer.Option("--log", help="Also write to a file: .csv, .jsonl, .log.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Show the lines of the board unchanged.")] = False,
) -> None:
    """Show the predictions of a board as they arrive.

    On a terminal a live view, otherwise plain lines, and with --json one JSON object for each event (NDJSON).
    """
    env = Environment.of(context)
    config = env.config(board__name=board, board__port=port)
    settings = config.settings.board
    target = board_named(settings.name)
    target.check_port(port)
    seconds = parse_duration(duration, "--for") if duration else None
    timeout_s = parse_duration(timeout, "--timeout") if timeout else COUNT_TIMEOUT_S if count else 0.0
    interval_s = parse_duration(every, "--every") if every else None
    if log is not None:
        check_suffix(log)
    source = target.source(BoardContext(config.settings, config.paths, env.environ))
    parser = RawLines() if raw else Parser(settings.threshold)
    with _shown(env, settings, raw) as shown, log_file(env.cwd / log if log else None) as logged:
        sink = both(rate_limited(shown, interval_s) if interval_s else shown, logged)
        events = report_unknown_scores(follow(source, parser, seconds=seconds))
        for event in until(events, count, timeout_s or None):
            sink(event)


@contextmanager
def _shown(env: Environment, settings: BoardSettings, raw: bool = False) -> Iterator[Sink]:
    """The output for events: NDJSON, a live view, or lines. A note at the start names what is waited for."""
    live = env.console.stdout.isatty() and not env.console.json_output and not raw
    if not live:
        env.console.note(f"waiting for {'lines' if raw else 'predictions'} of the {settings.name} board; Ctrl-C ends")
    if env.console.json_output:
        yield json_lines(env.console.stdout)
    elif live:
        view = View(settings.name, settings.colours)
        screen = env.console.rich(env.console.stdout)
        with Live(get_renderable=view.render, console=screen, refresh_per_second=8):
            yield view.add
    else:

        def show(event: Event) -> None:
            if isinstance(event, Prediction):
                env.console.line(plain_line(event, settings.name))
            elif isinstance(event, Line):
                env.console.line(event.text)
            elif isinstance(event, Warning):
                env.console.warn(event.text)
            elif words := plain_line(event):
                env.console.note(words)

        yield show
