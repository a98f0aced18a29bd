"""`eitk help`: Show the help of a command."""

from __future__ import annotations

from typing import Annotated

import typer
from typer.core import TyperGroup

from ei_toolkit.cli.environment import Environment
from ei_toolkit.errors import UsageError


def help_(
    context: typer.Context,
    command: Annotated[list[str] | None, typer.Argument(help="Command, or command and subcommand.")] = None,
) -> None:
    """Show the help of a command.

    The option --help of the command shows the same.
    """
    shown = context.find_root()
    for word in command or ():
        if not isinstance(shown.command, TyperGroup):
            raise UsageError(
                f"{shown.command_path} has no subcommand {word!r}", hint=f"eitk help {shown.command_path[5:]}"
            )
        name, found, _ = shown.command.resolve_command(shown, [word, "--help"])  # with similar names in its error
        if found is not None:
            shown = typer.Context(found, info_name=name, parent=shown)
    text = shown.get_help()
    Environment.of(context).console.result({"command": shown.command_path, "help": text}, text)
