"""`eitk init`: Write eitk.toml from a recipe.

The recipe is adapted to the layout of the clips and to their lengths.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ei_toolkit.api.creating import InspectedClips, adjustments, inspect_clips, write_project
from ei_toolkit.board.early_checks import board_warnings
from ei_toolkit.cli import complete
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.next_step import note_next_step
from ei_toolkit.cli.options import (
    GroupFromOption,
    GroupPatternOption,
    LabelsFromOption,
    SplitFromOption,
    known_board,
    known_recipe,
)
from ei_toolkit.config import CONFIG_NAME
from ei_toolkit.config.address import place_of
from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.dataset.lengths import rows_of_clips
from ei_toolkit.errors import UsageError
from ei_toolkit.report.layout_tables import layout_data, layout_text

RecipeOption = Annotated[
    str,
    typer.Option(
        help="Recipe to start from: robust or reference.", autocompletion=complete.recipes, callback=known_recipe
    ),
]
ClipsOption = Annotated[
    Path | None, typer.Option(help="Folder, zip or address of clips; its layout is shown, then written to eitk.toml.")
]
InitialBoardOption = Annotated[
    str | None,
    typer.Option(help="Board: nano33ble, emulated or host.", autocompletion=complete.boards, callback=known_board),
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Replace an existing eitk.toml; an edited script is kept as robust.py.bak.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Only show the layout and the settings that would be written.")
]


def init(
    context: typer.Context,
    recipe: RecipeOption = "robust",
    clips: ClipsOption = None,
    name: Annotated[str | None, typer.Option(help="Name of the project; default: the name of this folder.")] = None,
    board: InitialBoardOption = None,
    force: ForceOption = False,
    dry_run: DryRunOption = False,
    labels_from: LabelsFromOption = None,
    split_from: SplitFromOption = None,
    group_from: GroupFromOption = None,
    group_pattern: GroupPatternOption = None,
) -> None:
    """Write eitk.toml from a recipe.

    With --clips, the layout of the data set is detected and shown: labels, splits and groups, and what is ignored. It
    is written to eitk.toml, with a window that suits the lengths of the clips.
    """
    env = Environment.of(context)
    given = {
        "labels_from": labels_from, "split_from": split_from, "group_from": group_from, "group_pattern": group_pattern,
    }  # fmt: skip
    chosen = {key: value for key, value in given.items() if value is not None}
    if chosen and clips is None:
        raise UsageError("these options are about clips", hint="Name the folder of clips: --clips FOLDER.")
    data_set = _inspect(env, place_of(clips, env.cwd), chosen) if clips is not None else None
    adjusted = list(adjustments(data_set, load_recipe(recipe)[0].slice, chosen)) if data_set else []
    labels = data_set.folder.layout.labels if data_set else ()
    data: dict[str, Any] = {"config": str(env.cwd / CONFIG_NAME), "recipe": recipe, "labels": list(labels)}
    if data_set:
        data |= _show_layout(env, data_set)
        data["settings"] = {f"{one.table}.{one.key}": one.value for one in adjusted}
    if dry_run:
        changes = "".join(f"{one.table}.{one.key} = {one.value!r}  {one.comment}".rstrip() + "\n" for one in adjusted)
        env.console.result({**data, "dry_run": True}, f"{changes}nothing is written (--dry-run)")
        return
    file = write_project(
        env.cwd, recipe, data_set, adjusted, name=name, board=board, force=force, note=env.console.note
    )
    of = f", labels: {', '.join(labels)}" if labels else ""
    env.console.result(data, f"wrote {file} (recipe {recipe}{of})")
    for warning in board_warnings(env.config().settings):
        env.console.warn(warning)
    note_next_step(env, "init")


def _show_layout(env: Environment, data_set: InspectedClips) -> dict[str, Any]:
    """Print the layout; return it for --json."""
    layout, rows = data_set.folder.layout, rows_of_clips(data_set.known, data_set.lengths)
    env.console.note(layout_text(layout, rows, is_estimate=data_set.lengths.is_estimate))
    return {"layout": layout_data(layout, rows)}


def _inspect(env: Environment, source: str, chosen: dict[str, Any]) -> InspectedClips:
    with env.console.progress("reading lengths of clips"):
        return inspect_clips(source, env.cwd, chosen)
