"""The completion scripts of bash, zsh and fish: printed by --show-completion, installed by --install-completion."""

from __future__ import annotations

import os
from enum import StrEnum

import typer

PROGRAM, VARIABLE = "eitk", "_EITK_COMPLETE"


class Shell(StrEnum):
    """Shells with a completion script."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def prepare_completion() -> None:
    """Register the completions of all shells if a shell asks for one; Typer does so only with its own options."""
    if VARIABLE in os.environ:
        from typer._completion_classes import completion_init  # typer does not export it; only completions need it

        completion_init()


def show(shell: Shell | None) -> None:
    """Print the script of a shell and end the program."""
    if shell is not None:
        from typer._completion_shared import get_completion_script

        typer.echo(get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=shell.value))
        raise typer.Exit


def install(shell: Shell | None) -> None:
    """Write the script of a shell to where the shell reads it, and end the program."""
    if shell is not None:
        from typer._completion_shared import install as install_script

        _, path = install_script(shell=shell.value, prog_name=PROGRAM, complete_var=VARIABLE)
        typer.echo(f"{shell.value} completion is installed in {path}; it works after a restart of the shell")
        raise typer.Exit
