"""What slicing will do, decided before anything is written: usable clips, their groups, their sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ei_toolkit.audio.augment import check_augment
from ei_toolkit.config import DatasetSettings, Settings, SliceSettings
from ei_toolkit.dataset.cutting import Task, inspect_clip
from ei_toolkit.dataset.folder import find_clips
from ei_toolkit.dataset.groups import identify, read_groups
from ei_toolkit.dataset.gtzan import load_index
from ei_toolkit.dataset.split import split_clips
from ei_toolkit.errors import ConfigurationError, DataError

GROUPS_NAME = "groups.csv"  # beside the label folders; [dataset] groups names another
SAMPLE_RATES = range(1_000, 192_001)


@dataclass(frozen=True)
class Skipped:
    """A clip that gave no window, and why."""

    clip: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """Each usable clip with its side, and the clips that cannot be used."""

    tasks: tuple[Task, ...]
    skipped: tuple[Skipped, ...]


def plan_slices(settings: Settings, project: Path, jobs: int = 1, bad: Sequence[Skipped] = ()) -> Plan:
    """Find, hash and split the clips of the project in the folder `project`; writes nothing.

    `bad` are clips already known to give no window. Raises ConfigurationError for settings that cannot be, DataError
    where no split is possible.
    """
    check_slice(settings.slice)
    root = clips_root(settings.dataset, project)
    clips = find_clips(root, settings.project.labels)
    with ThreadPoolExecutor(jobs) as pool:  # hashing and reading leave Python's lock
        found = list(pool.map(partial(inspect_clip, window_ms=settings.slice.window_ms), clips))
    reasons = {clip.name: one.reason for clip, one in zip(clips, found, strict=True) if one.reason}
    reasons |= {one.clip: one.reason for one in bad}
    hashes = {clip.name: one.sha256 for clip, one in zip(clips, found, strict=True) if clip.name not in reasons}
    skipped = [Skipped(name, reason) for name, reason in reasons.items()]
    usable = [clip for clip in clips if clip.name in hashes]
    _every_label_left({clip.label for clip in clips} - {clip.label for clip in usable}, skipped)
    known = identify(usable, hashes, load_index(), own_groups(settings.dataset, project))
    sides = split_clips(known, settings.dataset.split, settings.dataset.test_fraction, settings.dataset.seed)
    left_out = [Skipped(k.clip.name, "not in the fault-filtered split") for k in known if k.clip.name not in sides]
    tasks = tuple(Task(k, sides[k.clip.name]) for k in known if k.clip.name in sides)
    return Plan(tasks, tuple(sorted([*skipped, *left_out], key=lambda s: s.clip)))


def clips_root(settings: DatasetSettings, project: Path) -> Path:
    """The folder of clips. Raises ConfigurationError where none is set."""
    if not settings.root:
        raise ConfigurationError("dataset.root is not set", hint="Name the folder of clips: eitk init --clips FOLDER")
    return (project / Path(settings.root).expanduser()).resolve()


def groups_file(settings: DatasetSettings, project: Path) -> Path | None:
    """The user's CSV of groups: the one that is set, else groups.csv in the folder of clips, if it is there."""
    if settings.groups:
        return project / Path(settings.groups).expanduser()
    beside = clips_root(settings, project) / GROUPS_NAME
    return beside if beside.is_file() else None


def own_groups(settings: DatasetSettings, project: Path) -> Mapping[str, str]:
    """Clip -> group as the user's CSV says."""
    file = groups_file(settings, project)
    return read_groups(file) if file else {}


def check_slice(settings: SliceSettings) -> None:
    """Raise ConfigurationError for lengths and rates that cannot be."""
    if settings.sample_rate not in SAMPLE_RATES:
        raise ConfigurationError(f"slice.sample_rate = {settings.sample_rate} is not between 1000 and 192000")
    for name in ("window_ms", "hop_ms"):
        if getattr(settings, name) * settings.sample_rate < 1000:
            raise ConfigurationError(f"slice.{name} = {getattr(settings, name)} is shorter than a sample")
    check_augment(settings.augment)


def _every_label_left(lost: set[str], skipped: list[Skipped]) -> None:
    if not lost:
        return
    label = min(lost)
    reason = next(s for s in skipped if s.clip.startswith(f"{label}/"))
    raise DataError(
        f"no clip of the label {label} can be used", why=f"{reason.clip}: {reason.reason}", hint="Replace these clips."
    )
