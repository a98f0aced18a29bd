"""`eitk init`: Write eitk.toml from a recipe.

The recipe is adapted to the layout of the clips and to their lengths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ei_toolkit.api.config_schema import settings_schema
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
from ei_toolkit.config import CONFIG_NAME, DatasetSettings, SliceSettings
from ei_toolkit.config.archive import is_archive
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.json_text import json_text
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.config.recipes import Adjustment, write_recipe
from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.dataset.cutting import cores
from ei_toolkit.dataset.folder import ClipFolder, read_clips
from ei_toolkit.dataset.groups import KnownClip, identify
from ei_toolkit.dataset.index import load_index
from ei_toolkit.dataset.lengths import Lengths, measure_lengths, rows_of_clips, suggest_window
from ei_toolkit.dataset.plan import own_groups
from ei_toolkit.dataset.unpacked import unpacked
from ei_toolkit.errors import UsageError
from ei_toolkit.report.layout_tables import layout_data, layout_text

PUBLISHED = "reference"  # this recipe keeps its published name


RecipeOption = Annotated[
    str,
    typer.Option(
        help="Recipe to start from: robust or reference.", autocompletion=complete.recipes, callback=known_recipe
    ),
]
ClipsOption = Annotated[
    Path | None, typer.Option(help="Folder or zip of clips; its layout is shown, then written to eitk.toml.")
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
    data_set = _read(env, (env.cwd / clips).resolve(), chosen) if clips is not None else None
    adjusted = list(_adjusted(data_set, load_recipe(recipe)[0].slice, chosen)) if data_set else []
    labels = data_set.folder.layout.labels if data_set else ()
    data: dict[str, Any] = {"config": str(env.cwd / CONFIG_NAME), "recipe": recipe, "labels": list(labels)}
    if data_set:
        data |= _show_layout(env, data_set)
        data["settings"] = {f"{one.table}.{one.key}": one.value for one in adjusted}
    if dry_run:
        changes = "".join(f"{one.table}.{one.key} = {one.value!r}  {one.comment}".rstrip() + "\n" for one in adjusted)
        env.console.result({**data, "dry_run": True}, f"{changes}nothing is written (--dry-run)")
        return
    own_name = env.cwd.name if recipe != PUBLISHED and re.search("[A-Za-z]", env.cwd.name) else None
    file = write_recipe(
        recipe, env.cwd, clips=data_set.source if data_set else None, name=name or own_name, force=force, board=board,
        labels=labels, adjusted=adjusted, say=env.console.note,
    )  # fmt: skip
    write_text(ProjectPaths(env.cwd).schema, json_text(settings_schema(), indent=2) + "\n")
    of = f", labels: {', '.join(labels)}" if labels else ""
    env.console.result(data, f"wrote {file} (recipe {recipe}{of})")
    for warning in board_warnings(env.config().settings):
        env.console.warn(warning)
    note_next_step(env, "init")


@dataclass(frozen=True)
class _DataSet:
    source: Path
    folder: ClipFolder
    known: Sequence[KnownClip]
    lengths: Lengths


def _show_layout(env: Environment, data_set: _DataSet) -> dict[str, Any]:
    """Print the layout; return it for --json."""
    layout, rows = data_set.folder.layout, rows_of_clips(data_set.known, data_set.lengths)
    env.console.note(layout_text(layout, rows, is_estimate=data_set.lengths.is_estimate))
    return {"layout": layout_data(layout, rows)}


def _read(env: Environment, source: Path, chosen: dict[str, Any]) -> _DataSet:
    """Find the clips and measure their lengths. Raises UsageError if there is no such folder."""
    if not source.is_dir() and not is_archive(source):
        raise UsageError(f"there is no folder {source}", hint="Give a folder with one folder of clips for each label.")
    root = unpacked(source, ProjectPaths(env.cwd)) if source.is_file() else source
    folder = read_clips(root, (), replace(DatasetSettings(), **chosen))
    names = {clip.name: clip.name for clip in folder.clips}  # in place of hashes: reading all clips would take long
    known = identify(folder.clips, names, load_index(), own_groups(DatasetSettings(root=str(root)), env.cwd))
    with env.console.progress("reading lengths of clips"):
        return _DataSet(source, folder, known, measure_lengths(folder.clips, cores()))


def _adjusted(data_set: _DataSet, cut: SliceSettings, chosen: dict[str, Any]) -> Iterator[Adjustment]:
    """Return the settings that a later run needs to find the same layout, and the window that suits the clips."""
    layout = data_set.folder.layout
    yield Adjustment("dataset", "labels_from", layout.labels_from.source, layout.labels_from.words)
    yield Adjustment("dataset", "split_from", layout.split_from.source, layout.split_from.words)
    yield Adjustment("dataset", "group_from", layout.group_from.source, layout.group_from.words)
    if pattern := chosen.get("group_pattern"):
        yield Adjustment("dataset", "group_pattern", pattern)
    if window := suggest_window(data_set.lengths, cut.window_ms, cut.hop_ms):
        if window.window_ms != cut.window_ms:
            yield Adjustment("slice", "window_ms", window.window_ms, window.reason)
            yield Adjustment("slice", "hop_ms", window.hop_ms)
        if window.pad:
            yield Adjustment("slice", "short", "pad", "clips shorter than a window get silence at their end")
