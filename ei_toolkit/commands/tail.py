"""`eitk tail`: what a board says, live."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ei_toolkit.commands.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from ei_toolkit.board.events import Event
    from ei_toolkit.board.live import View


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("tail")(tail)


def tail(
    context: typer.Context,
    board: Annotated[str | None, typer.Option("--board", help="nano33ble, emulated or host.")] = None,
    count: Annotated[int | None, typer.Option("--count", "-n", min=1, help="End after so many predictions.")] = None,
    duration: Annotated[str | None, typer.Option("--for", help="End after a time: 60s, 5m.")] = None,
) -> None:
    """Show what the board says: a live view on a terminal, plain lines elsewhere, NDJSON with --json."""
    from ei_toolkit.board.durations import parse_duration
    from ei_toolkit.board.events import Prediction, event_json
    from ei_toolkit.board.link import open_stand_in
    from ei_toolkit.board.live import View, plain_line
    from ei_toolkit.board.parse import Parser
    from ei_toolkit.board.watch import events

    env = Environment.of(context)
    config = env.config(board__name=board)
    settings = config.settings.board
    seconds = parse_duration(duration) if duration else None
    link = open_stand_in(config.paths.boards, settings.name)
    predictions = 0
    with _sink(env, View(settings.name, settings.colours), event_json, plain_line) as show:
        for event in events(link, Parser(settings.threshold), seconds=seconds):
            show(event)
            predictions += isinstance(event, Prediction)
            if predictions == count:
                break
    link.close()


@contextmanager
def _sink(
    env: Environment, view: View, as_json: Callable[[Event], dict[str, object]], as_line: Callable[[Event], str]
) -> Iterator[Callable[[Event | None], None]]:
    """Where events go: NDJSON, a live view, or lines."""
    if env.console.json_output:
        yield lambda event: env.console.event(as_json(event)) if event is not None else None
    elif env.console.stdout.isatty():
        from rich.live import Live

        with Live(view.render(), console=env.console.rich(env.console.stdout), refresh_per_second=8) as live:

            def show(event: Event | None) -> None:
                if event is not None:
                    view.take(event)
                live.update(view.render())

            yield show
    else:
        yield lambda event: env.console.line(as_line(event)) if event is not None else None
