"""`eitk init`: write eitk.toml from a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.commands import complete
from ei_toolkit.commands.environment import Environment


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("init")(init)


def init(
    context: typer.Context,
    recipe: Annotated[
        str, typer.Option(help="Recipe to start from: robust or reference.", autocompletion=complete.recipes)
    ] = "robust",
    clips: Annotated[Path | None, typer.Option(help="Folder of clips, CLIPS/<label>/*.wav.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the project.")] = None,
    board: Annotated[
        str | None, typer.Option(help="Board: nano33ble, emulated or host.", autocompletion=complete.boards)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an eitk.toml that is there.")] = False,
) -> None:
    """Write eitk.toml from a recipe."""
    from ei_toolkit.recipes import write_recipe

    env = Environment.of(context)
    file = write_recipe(recipe, env.cwd, clips=clips, name=name, force=force, board=board)
    env.console.result({"config": str(file), "recipe": recipe}, f"wrote {file} (recipe {recipe})")
