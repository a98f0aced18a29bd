"""`eitk impulse`: Compare, apply or pull the impulse of eitk.toml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from ei_toolkit.api.training import checked_impulse
from ei_toolkit.cli.connection import connect
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.next_step import note_next_step
from ei_toolkit.client.impulse.apply import Change, apply_impulse
from ei_toolkit.client.impulse.apply import diff as compare
from ei_toolkit.client.impulse.current import current_impulse, require_impulse
from ei_toolkit.client.impulse.pull import pulled_tables, write_pulled
from ei_toolkit.config import Config
from ei_toolkit.config.settings import plain
from ei_toolkit.config.units import counted
from ei_toolkit.report.result_tables import change_table, impulse_table

group = typer.Typer(no_args_is_help=True, help="Compare, apply or pull the impulse of eitk.toml.")


@group.command()
def show(context: typer.Context) -> None:
    """Show the impulse of the studio."""
    env = Environment.of(context)
    config = env.config()
    current = require_impulse(connect(env, config), config.settings.impulse.name)
    env.console.result(plain(current), impulse_table(current.state).rich())


@group.command()
def diff(context: typer.Context) -> None:
    """Show what `apply` would change."""
    env = Environment.of(context)
    config = env.config()
    wanted = checked_impulse(config)
    current = current_impulse(connect(env, config), config.settings.impulse.name)
    _show_changes(env, compare(current.state if current else None, wanted), "would change", config)


@group.command()
def apply(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="The same as eitk impulse diff.")] = False,
) -> None:
    """Apply the impulse of eitk.toml to the studio; only values that differ are changed."""
    if dry_run:
        diff(context)
        return
    env = Environment.of(context)
    config = env.config()
    wanted = checked_impulse(config)
    changes = apply_impulse(connect(env, config, creates=True), wanted, config.settings.impulse.name)
    _show_changes(env, changes, "changed", config)
    note_next_step(env, "impulse apply")


@group.command()
def pull(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the tables.")] = False,
) -> None:
    """Write the studio's impulse into eitk.toml."""
    env = Environment.of(context)
    config = env.config()
    current = require_impulse(connect(env, config), config.settings.impulse.name)
    tables = pulled_tables(current.state)
    if not dry_run:
        written = write_pulled(config.paths.root, tables, current.state)
        env.console.note("wrote " + ", ".join(str(file) for file in written))
    env.console.result(tables.data(), tables.text())


def _show_changes(env: Environment, changes: Sequence[Change], verb: str, config: Config) -> None:
    data = {"changes": [asdict(change) for change in changes]}
    if not changes:
        env.console.result(data, "the impulse in the studio is that of eitk.toml; nothing differs")
    else:
        env.console.result(data, change_table(f"{counted(len(changes), 'value')} {verb}", changes).rich())
