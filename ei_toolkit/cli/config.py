"""`eitk config`: Show the settings in force."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ei_toolkit.cli.environment import Environment
from ei_toolkit.config.settings import plain
from ei_toolkit.report.tables import Table

group = typer.Typer(no_args_is_help=True, help="Show the settings in force.")


@group.command()
def show(
    context: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Also show the source of each value.")] = False,
) -> None:
    """Print every setting in force. The API key is not a setting and is not printed."""
    env = Environment.of(context)
    config = env.config()
    data: dict[str, Any] = {}
    rows = []
    for key, value in config.values():
        shown = plain(value)
        data[key] = {"value": shown, "origin": config.origin(key)} if origin else shown
        rows.append((key, str(shown), *([config.origin(key)] if origin else [])))
    env.console.result(data, Table("", ("setting", "value", *(["origin"] if origin else [])), tuple(rows)).rich())
