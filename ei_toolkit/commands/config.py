"""`eitk config`: show the settings in force and where each came from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ei_toolkit.commands.environment import Environment


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(no_args_is_help=True, help="Settings in force.")
    group.command("show")(show)
    app.add_typer(group, name="config")


def show(
    context: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Also say where each value came from.")] = False,
) -> None:
    """Print every setting in force; secrets are never among them."""
    from rich.table import Table

    env = Environment.of(context)
    config = env.config()
    data: dict[str, Any] = {}
    table = Table("setting", "value", *(["origin"] if origin else []), box=None)
    for key, value in config.values():
        shown = _plain(value)
        data[key] = {"value": shown, "origin": config.origin(key)} if origin else shown
        table.add_row(key, str(shown), *([config.origin(key)] if origin else []))
    env.console.result(data, table)


def _plain(value: object) -> Any:
    from collections.abc import Mapping
    from dataclasses import fields, is_dataclass

    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
