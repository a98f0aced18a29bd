"""`eitk impulse`: the impulse as code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ei_toolkit.cli.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ei_toolkit.client.impulse.apply import Change
    from ei_toolkit.client.impulse.state import ImpulseState
    from ei_toolkit.config import Config


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(no_args_is_help=True, help="The impulse of eitk.toml against the one in the studio.")
    for command in (show, diff, apply, pull):
        group.command(command.__name__)(command)
    app.add_typer(group, name="impulse")


def show(context: typer.Context) -> None:
    """Show the impulse that the studio has."""
    from ei_toolkit.cli.environment import connect
    from ei_toolkit.client.impulse.current import require_impulse
    from ei_toolkit.config.settings import plain
    from ei_toolkit.report.result_tables import impulse_table

    env = Environment.of(context)
    config = env.config()
    current = require_impulse(connect(env, config), config.settings.impulse.name)
    env.console.result(plain(current), impulse_table(current.state).rich())


def diff(context: typer.Context) -> None:
    """Show what `apply` would change."""
    from ei_toolkit.cli.environment import connect
    from ei_toolkit.client.impulse.apply import diff as compare
    from ei_toolkit.client.impulse.current import current_impulse

    env = Environment.of(context)
    config = env.config()
    wanted = _checked(config)
    current = current_impulse(connect(env, config), config.settings.impulse.name)
    _show_changes(env, compare(current.state if current else None, wanted), "would change", config)


def apply(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="The same as eitk impulse diff.")] = False,
) -> None:
    """Make the studio's impulse that of eitk.toml, touching only what differs."""
    from ei_toolkit.cli.environment import connect
    from ei_toolkit.client.impulse.apply import apply_impulse

    if dry_run:
        diff(context)
        return
    env = Environment.of(context)
    config = env.config()
    wanted = _checked(config)
    changes = apply_impulse(connect(env, config), wanted, config.settings.impulse.name)
    _show_changes(env, changes, "changed", config)


def pull(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the tables.")] = False,
) -> None:
    """Write the studio's impulse into eitk.toml."""
    from ei_toolkit.cli.environment import connect
    from ei_toolkit.client.impulse.current import require_impulse
    from ei_toolkit.client.impulse.pull import pulled_tables, write_pulled

    env = Environment.of(context)
    config = env.config()
    current = require_impulse(connect(env, config), config.settings.impulse.name)
    tables = pulled_tables(current.state)
    if not dry_run:
        written = write_pulled(config.paths.root, tables, current.state)
        env.console.note("wrote " + ", ".join(str(file) for file in written))
    env.console.result(tables.data(), tables.text())


def _checked(config: Config) -> ImpulseState:
    from ei_toolkit.client.impulse.state import check_impulse, wanted_impulse

    wanted = wanted_impulse(config.settings, config.paths.root)
    check_impulse(wanted, for_board=config.settings.board.name != "host")
    return wanted


def _show_changes(env: Environment, changes: Sequence[Change], verb: str, config: Config) -> None:
    from dataclasses import asdict

    from ei_toolkit.report.result_tables import change_table

    data = {"changes": [asdict(change) for change in changes]}
    if not changes:
        env.console.result(data, "the impulse in the studio is that of eitk.toml; nothing differs")
    else:
        env.console.result(data, change_table(f"{len(changes)} values {verb}", changes).rich())
