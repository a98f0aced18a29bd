"""`eitk init`: Write eitk.toml from a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.cli import complete
from ei_toolkit.cli.environment import Environment
from ei_toolkit.config.recipes import write_recipe
from ei_toolkit.dataset.folder import LAYOUT, SUFFIXES, find_clips
from ei_toolkit.errors import DataError, UsageError


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
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace an existing eitk.toml; an edited script is kept as robust.py.bak."),
    ] = False,
) -> None:
    """Write eitk.toml from a recipe."""
    env = Environment.of(context)
    source = None if clips is None else (env.cwd / clips).resolve()
    labels = _labels(source) if source else ()
    note = env.console.note
    file = write_recipe(recipe, env.cwd, clips=source, name=name, force=force, board=board, labels=labels, say=note)
    of = f", labels: {', '.join(labels)}" if labels else ""
    data = {"config": str(file), "recipe": recipe, "labels": list(labels)}
    env.console.result(data, f"wrote {file} (recipe {recipe}{of})")


def _labels(clips: Path) -> tuple[str, ...]:
    """The names of the folders with clips. Raises DataError unless there are two, UsageError if there is no `clips`."""
    if not clips.is_dir():
        raise UsageError(f"there is no folder {clips}", hint="Give a folder with one folder of clips for each label.")
    try:
        return tuple(sorted({clip.label for clip in find_clips(clips)}))
    except DataError as error:
        if not any(path.suffix.lower() in SUFFIXES for path in clips.iterdir()):
            raise
        hint = f"Give the folder above, if it has one folder for each label: {clips.parent}. {LAYOUT}"
        raise DataError(error.what, why="there are clips in it, but not in folders of labels", hint=hint) from None
