"""The layout of a data set: which label, split and group each sound has, and which rule found it.

`detect_layout` is a pure function of a listing and the settings. Labels come from Edge Impulse's `info.labels`, a table
(CSV, TSV, JSON Lines), the folders, or the names of the files; splits and groups from any of these, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from ei_toolkit.config import DatasetSettings
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.folder_names import Split
from ei_toolkit.dataset.layout_sources import (
    BACKGROUND,
    BY_FOLDERS,
    NAMED,
    NO_RULE,
    Found,
    FoundSplits,
    Rule,
    Sources,
    find_groups,
    find_labels,
    find_splits,
    read_sources,
)
from ei_toolkit.dataset.listing import LeftOut, Listing


@dataclass(frozen=True)
class LabelledSound:
    """One sound. `split` is None and `group` and `fold` are empty where the layout does not give them.

    `is_rerecorded`: it is a recording of another sound.
    """

    name: str
    label: str
    split: Split | None = None
    group: str = ""
    fold: str = ""
    is_rerecorded: bool = False


@dataclass(frozen=True)
class Layout:
    """The sounds of a data set with their labels, what is left out, the rules, and notes for the user."""

    sounds: tuple[LabelledSound, ...]
    left_out: tuple[LeftOut, ...] = ()
    labels_from: Rule = BY_FOLDERS
    split_from: Rule = NO_RULE
    group_from: Rule = NO_RULE
    notes: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, sorted."""
        return tuple(sorted({sound.label for sound in self.sounds}))


def detect_layout(listing: Listing, settings: DatasetSettings, wanted: Collection[str] = ()) -> Layout:
    """Return the layout of a folder; `wanted` are the labels to use, all of them if it is empty.

    Raises DataError where several folders could be meant, where a source that the settings name does not exist, and
    for an `info.labels` that is damaged; ConfigurationError for an invalid pattern.
    """
    sources = read_sources(listing, settings, wanted)
    labels = find_labels(sources)
    splits = find_splits(sources)
    groups = find_groups(sources, labels)
    found = [
        LabelledSound(
            name, label, splits.of.get(name), groups.of.get(name, ""), sources.folds.get(name, ""),
            name in sources.rerecorded,
        )
        for name, label in sorted(labels.of.items())
        if label and not labels.leaves_out(name, sources)
    ]  # fmt: skip
    sounds, dropped = _wanted(found, wanted)
    used = {sound.name for sound in sounds} | {one.name for one in dropped}
    left_out = [LeftOut(name, labels.reason(name, sources)) for name in listing.sounds if name not in used]
    return Layout(
        tuple(sounds), tuple(sorted((*left_out, *dropped, *listing.left_out), key=lambda one: one.name)),
        labels.rule, splits.rule, groups.rule, tuple(dict.fromkeys(_notes(sources, labels, splits, sounds))),
    )  # fmt: skip


def _wanted(found: Sequence[LabelledSound], wanted: Collection[str]) -> tuple[list[LabelledSound], list[LeftOut]]:
    """Drop what the user does not want, and the background noise of Speech Commands unless it is wanted."""
    sounds: list[LabelledSound] = []
    dropped: list[LeftOut] = []
    for sound in found:
        if wanted and sound.label not in wanted:
            dropped.append(LeftOut(sound.name, f"the label {sound.label} is not in [project] labels"))
        elif sound.label == BACKGROUND and not wanted:
            reason = f"background noise and no class; to use it as one, list {BACKGROUND} in [project] labels"
            dropped.append(LeftOut(sound.name, reason))
        else:
            sounds.append(replace(sound, split=None, fold="") if sound.label == BACKGROUND else sound)
    return sounds, dropped


def _notes(sources: Sources, labels: Found, splits: FoundSplits, sounds: Sequence[LabelledSound]) -> Iterable[str]:
    yield from sources.notes
    folders, automatic = sources.folders, sources.settings.labels_from == "auto"
    if folders.base and labels.rule.source == "folder":
        yield f"the labels are folders in {folders.base}"
    if labels.rule.source == "name" and automatic:
        counts = Counter(sound.label for sound in sounds)
        shown = ", ".join(f"{label} ({number})" for label, number in sorted(counts.items())[:NAMED])
        yield f"labels are taken from names of files: {shown}{' …' if len(counts) > NAMED else ''} (--labels-from name)"
    if splits.rule.source == "folder" and splits.of and automatic:
        yield (
            f"the folders {', '.join(folders.split_folders)} are splits, which are kept; if they are labels:"
            " --labels-from folder --split-from none"
        )
    if folders.similar and labels.rule.source == "folder" and not folders.groups:
        of = ", ".join(sorted(set(labels.of.values()))[:NAMED])
        yield (
            f"each of {of} has the folders {', '.join(folders.similar[:NAMED])}; if these are speakers or recordings,"
            " keep them in one split with --group-from folder; if they are the labels, list them in [project] labels"
        )
    for table in {id(one): one for one in chain(sources.tables_with("label"), sources.tables_with("split"))}.values():
        if table.unmatched and (table.has("label") or table is sources.lists):
            named = ", ".join(name or "(empty)" for name in table.unmatched[:3])
            yield f"{table.file}: {counted(len(table.unmatched), 'row')} without a file here, the first: {named}"
