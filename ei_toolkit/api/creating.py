"""Create a project: find the layout and the lengths of its clips, and write the recipe that suits them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ei_toolkit.api.config_schema import settings_schema
from ei_toolkit.api.project import Project, open_project
from ei_toolkit.compute import cores
from ei_toolkit.config import DatasetSettings, SliceSettings
from ei_toolkit.config.address import is_address, place_of
from ei_toolkit.config.archive import is_archive
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.json_text import json_text
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.config.recipes import Adjustment, write_recipe
from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.dataset.folder import ClipFolder, read_clips
from ei_toolkit.dataset.groups import KnownClip, identify
from ei_toolkit.dataset.index import load_index
from ei_toolkit.dataset.lengths import Lengths, measure_lengths, suggest_window
from ei_toolkit.dataset.object_store import copied_folder
from ei_toolkit.dataset.plan import own_groups
from ei_toolkit.dataset.synthesis import write_demo_clips
from ei_toolkit.dataset.unpacked import unpacked
from ei_toolkit.errors import UsageError

PUBLISHED = "reference"  # this recipe keeps its published name


def create_project(
    folder: Path | str,
    recipe: str = "robust",
    *,
    clips: Path | str | None = None,
    name: str | None = None,
    board: str | None = None,
    settings: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    replace_existing: bool = False,
) -> Project:
    """Write `folder`/eitk.toml from a recipe, as `eitk init` does, and open the project.

    Args:
        folder: Folder of the project; it is created if it does not exist.
        recipe: Name of a shipped recipe, such as `robust` or `reference`.
        clips: Folder or zip of clips, or an address such as s3://BUCKET/FOLDER; the layout and the lengths of the
            clips decide the labels and the window.
        name: Name of the project; None means the name of the folder.
        board: Name of the board, such as `nano33ble`, `emulated` or `host`.
        settings: Values that replace those of the file in the project that is returned, by dotted name.
        environ: Environment variables; None means those of this process.
        replace_existing: Whether an existing eitk.toml is replaced.

    Returns:
        The project.

    Raises:
        ConfigurationError: There is an eitk.toml, or a value is not valid.
        UsageError: There is no such recipe or folder of clips.
        DataError: The clips have no layout that is recognised.

    Examples:
        >>> import ei_toolkit as eitk
        >>> project = eitk.create_project("robust", clips="clips", board="host")
        >>> project.settings.project.labels, project.settings.board.name
        (('classical', 'rock'), 'host')
    """
    root = Path(folder).expanduser().resolve()
    root.mkdir(parents=True, exist_ok=True)
    found = inspect_clips(clips, root, {}) if clips is not None else None
    adjusted = tuple(adjustments(found, load_recipe(recipe)[0].slice, {})) if found else ()
    write_project(root, recipe, found, adjusted, name=name, board=board, force=replace_existing)
    return open_project(root, settings, environ)


def synthesize_clips(folder: Path | str, clips: int = 24, *, seconds: float = 12.0, seed: int = 7) -> tuple[Path, ...]:
    """Write synthetic clips of two labels, `rock` and `classical`, to try the pipeline with. They are not music.

    Args:
        folder: Folder to write `folder`/<label>/*.wav and `folder`/groups.csv to.
        clips: Number of clips of each label. Three clips in a row share a synthetic artist.
        seconds: Length of each clip in seconds, at 22,050 Hz.
        seed: Seed of the random generator. The same arguments give the same bytes.

    Returns:
        The paths of the clips.

    Raises:
        UsageError: `clips` is less than 8, with which no split by artist is possible.

    Examples:
        >>> import ei_toolkit as eitk
        >>> paths = eitk.synthesize_clips("made", 8, seconds=0.5)
        >>> len(paths), paths[0].name
        (16, 'classical.synth.000.wav')
    """
    if clips < 8:
        raise UsageError(f"{clips} clips of a label are too few", hint="Give at least 8.")
    return tuple(write_demo_clips(Path(folder).expanduser(), seed, clips, seconds))


@dataclass(frozen=True)
class InspectedClips:
    """The clips of a new project: their source, their layout, the groups that they belong to and their lengths."""

    source: Path | str
    folder: ClipFolder
    known: Sequence[KnownClip]
    lengths: Lengths


def inspect_clips(clips: Path | str, project: Path, chosen: Mapping[str, Any]) -> InspectedClips:
    """Find the clips of a folder, an archive or an address, and measure their lengths.

    `chosen` are the settings of [dataset] that the user gave. Raises UsageError if there is no such folder.
    """
    place = place_of(Path(clips).expanduser(), Path.cwd())
    if is_address(place):
        return _inspect_folder(place, copied_folder(place, ProjectPaths(project)), project, chosen)
    source = Path(place).resolve()
    if not source.is_dir() and not is_archive(source):
        raise UsageError(f"there is no folder {source}", hint="Give a folder with one folder of clips for each label.")
    root = unpacked(source, ProjectPaths(project)) if source.is_file() else source
    return _inspect_folder(source, root, project, chosen)


def _inspect_folder(source: Path | str, root: Path, project: Path, chosen: Mapping[str, Any]) -> InspectedClips:
    folder = read_clips(root, (), replace(DatasetSettings(), **chosen))
    names = {clip.name: clip.name for clip in folder.clips}  # in place of hashes: reading all clips would take long
    known = identify(folder.clips, names, load_index(), own_groups(DatasetSettings(root=str(root)), project))
    return InspectedClips(source, folder, known, measure_lengths(folder.clips, cores()))


def adjustments(clips: InspectedClips, cut: SliceSettings, chosen: Mapping[str, Any]) -> Iterator[Adjustment]:
    """Yield the settings that a later run needs to find the same layout, and the window that suits the clips."""
    layout = clips.folder.layout
    yield Adjustment("dataset", "labels_from", layout.labels_from.source, layout.labels_from.words)
    yield Adjustment("dataset", "split_from", layout.split_from.source, layout.split_from.words)
    yield Adjustment("dataset", "group_from", layout.group_from.source, layout.group_from.words)
    if pattern := chosen.get("group_pattern"):
        yield Adjustment("dataset", "group_pattern", pattern)
    if window := suggest_window(clips.lengths, cut.window_ms, cut.hop_ms):
        if window.window_ms != cut.window_ms:
            yield Adjustment("slice", "window_ms", window.window_ms, window.reason)
            yield Adjustment("slice", "hop_ms", window.hop_ms)
        if window.pad:
            yield Adjustment("slice", "short", "pad", "clips shorter than a window get silence at their end")


def write_project(
    root: Path,
    recipe: str,
    clips: InspectedClips | None,
    adjusted: Sequence[Adjustment],
    *,
    name: str | None,
    board: str | None,
    force: bool,
    note: Callable[[str], None] = lambda _text: None,
) -> Path:
    """Write eitk.toml and its JSON Schema for editors; return the path of eitk.toml. Raises as `write_recipe` does."""
    own_name = root.name if recipe != PUBLISHED and re.search("[A-Za-z]", root.name) else None
    file = write_recipe(
        recipe, root, clips=clips.source if clips else None, name=name or own_name, force=force, board=board,
        labels=clips.folder.layout.labels if clips else (), adjusted=adjusted, say=note,
    )  # fmt: skip
    write_text(ProjectPaths(root).schema, json_text(settings_schema(), indent=2) + "\n")
    return file
