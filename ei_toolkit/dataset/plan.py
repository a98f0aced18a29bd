"""The plan of a slicing, made before anything is written: usable clips, their groups and splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from ei_toolkit.audio.formats import HOW_TO_INSTALL, NEEDS_FFMPEG
from ei_toolkit.config import DatasetSettings, Settings
from ei_toolkit.config.address import is_address
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.config.setting import check_settings
from ei_toolkit.dataset.cutting import Task, inspect_clip
from ei_toolkit.dataset.faults import fault_of, faults_text, without_faults
from ei_toolkit.dataset.folder import Clip, ClipFolder, read_clips
from ei_toolkit.dataset.folder_names import SPLITS
from ei_toolkit.dataset.groups import identify, read_groups
from ei_toolkit.dataset.index import load_index
from ei_toolkit.dataset.layout import Layout
from ei_toolkit.dataset.listing import GROUPS_NAME
from ei_toolkit.dataset.manifest import Window
from ei_toolkit.dataset.object_store import copied_folder
from ei_toolkit.dataset.split import split_clips
from ei_toolkit.dataset.unpacked import unpacked
from ei_toolkit.errors import ConfigurationError, DataError

SHOWN = 3  # clips that an error names
Item = TypeVar("Item")


@dataclass(frozen=True)
class Skipped:
    """A clip without windows, and the reason."""

    clip: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """Each usable clip with its split, the clips that cannot be used, and the layout that they were found by."""

    tasks: tuple[Task, ...]
    skipped: tuple[Skipped, ...]
    layout: Layout


def plan_slices(settings: Settings, project: Path, jobs: int = 1, bad: Sequence[Skipped] = ()) -> Plan:
    """Find, hash and split the clips of the project in the folder `project`; writes nothing.

    `bad` are clips already known to give no window. Raises ConfigurationError for settings that cannot be, DataError
    where no split is possible.
    """
    check_settings(settings.slice, "slice")
    check_settings(settings.dataset, "dataset")
    root = clips_root(settings.dataset, project)
    folder = read_clips(root, settings.project.labels, settings.dataset)
    clips = folder.clips
    with ThreadPoolExecutor(jobs) as pool:  # hashing and reading leave Python's lock
        found = list(pool.map(partial(inspect_clip, settings=settings.slice), clips))
    reasons = {clip.name: one.reason for clip, one in zip(clips, found, strict=True) if one.reason}
    reasons |= {one.clip: one.reason for one in bad}
    hashes = {clip.name: one.sha256 for clip, one in zip(clips, found, strict=True) if clip.name not in reasons}
    skipped = [Skipped(name, reason) for name, reason in reasons.items()]
    usable = [clip for clip in clips if clip.name in hashes]
    lost = {clip.label for clip in clips} - {clip.label for clip in usable}
    _every_label_left(lost, clips, skipped, settings.slice.window_ms)
    identified = identify(usable, hashes, load_index(), own_groups(settings.dataset, project))
    known = without_faults(identified) if settings.dataset.faults == "leave-out" else identified
    kept = {k.clip.name for k in known}
    faulty = [
        Skipped(k.clip.name, f"catalogued fault: {fault_of(k.track)}") for k in identified if k.clip.name not in kept
    ]
    try:
        splits = split_clips(known, settings.dataset.split, settings.dataset.test_fraction, settings.dataset.seed)
    except DataError as error:
        raise _with_unusable(error, folder, reasons) from None
    left_out = [Skipped(k.clip.name, "not in the fault-filtered split") for k in known if k.clip.name not in splits]
    seconds = {clip.name: one.seconds for clip, one in zip(clips, found, strict=True)}
    tasks = tuple(Task(k, splits[k.clip.name], seconds[k.clip.name]) for k in known if k.clip.name in splits)
    faults = faults_text([one.track for one in identified], left_out=settings.dataset.faults == "leave-out")
    notes = (*folder.layout.notes, *([faults] if faults else []), *_shared_groups(tasks))
    without_window = sorted([*skipped, *faulty, *left_out], key=lambda one: one.clip)
    return Plan(tasks, tuple(without_window), replace(folder.layout, notes=notes))


def _shared_groups(tasks: Sequence[Task]) -> Iterator[str]:
    """State which groups the splits of the data set place into training and testing."""
    splits: dict[str, set[str]] = defaultdict(set)
    for task in tasks:
        splits[task.known.group].add(task.split)
    shared = sorted(group for group, own in splits.items() if own >= {"training", "testing"})
    if shared:
        more = f" and {len(shared) - SHOWN} more" if len(shared) > SHOWN else ""
        named = ", ".join(shared[:SHOWN])
        yield f"groups in training and testing, with which the test overestimates accuracy: {named}{more}"


def _with_unusable(error: DataError, folder: ClipFolder, reasons: Mapping[str, str]) -> DataError:
    """Name the clips that cannot be used before the reason why a label cannot be split, which they may be."""
    labels = [clip.label for clip in folder.clips if f"the label {clip.label} " in error.what]
    unusable = [clip.name for clip in folder.clips if clip.name in reasons and clip.label in labels]
    if not unusable:
        return error
    named = "; ".join(f"{name}: {reasons[name]}" for name in unusable[:SHOWN])
    more = f"; and {len(unusable) - SHOWN} more" if len(unusable) > SHOWN else ""
    return DataError(
        error.what,
        why=f"{len(unusable)} of its {len(labels)} clips cannot be used ({named}{more}); {error.why}",
        hint=f"Replace these clips first. {error.hint}",
    )


def clips_root(settings: DatasetSettings, project: Path) -> Path:
    """The folder of clips; a zip archive is unpacked, and an address copied first.

    Raises ConfigurationError where none is set, and as `copied_folder` does.
    """
    if not settings.root:
        raise ConfigurationError("dataset.root is not set", hint="Name the folder of clips: eitk init --clips FOLDER")
    if is_address(settings.root):
        return copied_folder(settings.root, ProjectPaths(project))
    root = (project / Path(settings.root).expanduser()).resolve()
    return unpacked(root, ProjectPaths(project)) if root.is_file() else root


def groups_file(settings: DatasetSettings, project: Path) -> Path | None:
    """The user's CSV of groups: the one that is set, else groups.csv in the folder of clips, if it is there."""
    if settings.groups:
        return project / Path(settings.groups).expanduser()
    beside = clips_root(settings, project) / GROUPS_NAME
    return beside if beside.is_file() else None


def own_groups(settings: DatasetSettings, project: Path) -> Mapping[str, str]:
    """Return the groups of the user's CSV by clip."""
    file = groups_file(settings, project)
    return read_groups(file) if file else {}


def _every_label_left(lost: set[str], clips: Sequence[Clip], skipped: list[Skipped], window_ms: int) -> None:
    """Raise DataError for a label of which no clip can be used."""
    if not lost:
        return
    label = min(lost)
    own = {clip.name for clip in clips if clip.label == label}
    reasons = [one for one in skipped if one.clip in own]
    short = next((s for s in reasons if s.reason.startswith("shorter than a window")), None)
    shorten = f"Set slice.window_ms, now {window_ms}, to less than the clips last, or replace these clips."
    reason = short or reasons[0]
    unread = all(NEEDS_FFMPEG in one.reason for one in reasons)
    raise DataError(
        f"no clip of the label {label} can be used",
        why=f"{reason.clip}: {reason.reason}",
        hint=shorten if short else HOW_TO_INSTALL if unread else "Replace these clips.",
    )


@dataclass(frozen=True)
class Row:
    """One label in one split. `windows` is 0 before cutting; `augmented` is how many of them are augmented copies.

    `seconds` is the length of the clips, 0 where it is not known.
    """

    label: str
    split: str
    windows: int
    augmented: int
    clips: int
    groups: int
    seconds: float = 0.0


def rows_of_windows(windows: Sequence[Window]) -> list[Row]:
    """Rows for windows that have been cut."""
    return [
        Row(label, split, len(own), sum(bool(w.augmentation) for w in own), len({w.clip for w in own}),
            len({w.group for w in own}))
        for (label, split), own in by_label_and_split(windows, lambda window: (window.label, window.split))
    ]  # fmt: skip


def rows_of_plan(plan: Plan) -> list[Row]:
    """Rows for a plan."""
    return [
        Row(label, split, 0, 0, len(own), len({task.known.group for task in own}), sum(task.seconds for task in own))
        for (label, split), own in by_label_and_split(plan.tasks, lambda task: (task.known.clip.label, task.split))
    ]


def by_label_and_split(
    items: Iterable[Item], key: Callable[[Item], tuple[str, str]]
) -> list[tuple[tuple[str, str], list[Item]]]:
    """Return the items of each label and split, sorted by label and in the order of the splits, none first."""
    chosen: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        chosen[key(item)].append(item)
    order = ("", *SPLITS)
    return sorted(chosen.items(), key=lambda entry: (entry[0][0], order.index(entry[0][1])))
