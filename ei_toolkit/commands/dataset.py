"""`eitk dataset`: get clips, and know what they are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.commands.environment import Environment


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(no_args_is_help=True, help="Clips: make, fetch, verify, audit, describe.")
    group.command("synth")(synth)
    app.add_typer(group, name="dataset")


def synth(
    context: typer.Context,
    dest: Annotated[Path, typer.Argument(help="Folder to write DEST/<genre>/*.wav and DEST/groups.csv to.")],
    clips: Annotated[int, typer.Option(min=8, help="Clips for each genre.")] = 24,
    seed: Annotated[int, typer.Option(help="Another seed gives other clips.")] = 7,
) -> None:
    """Write synthetic demo clips: two textures called rock and classical. They are not music."""
    from ei_toolkit.dataset.synth import write_demo_clips

    env = Environment.of(context)
    folder = env.cwd / dest
    paths = write_demo_clips(folder, seed=seed, clips_per_genre=clips)
    data = {"folder": str(folder), "clips": len(paths), "synthetic": True}
    env.console.result(data, f"wrote {len(paths)} synthetic clips to {folder}")
