"""The layout of a data set: which label, split and group each sound has, and which rule found it.

`detect_layout` is a pure function of a listing and the settings. Labels come from Edge Impulse's `info.labels`, a table
(CSV, TSV, JSON Lines), the folders, or the names of the files; splits and groups from any of these, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from types import MappingProxyType
from typing import Literal

from ei_toolkit.config import DatasetSettings
from ei_toolkit.dataset.edge_impulse_export import read_export
from ei_toolkit.dataset.file_names import groups_by_pattern, read_names, speakers
from ei_toolkit.dataset.folder_names import FolderReading, Split, read_folders
from ei_toolkit.dataset.listing import LeftOut, Listing
from ei_toolkit.dataset.metadata_tables import Metadata, read_lists, read_tables
from ei_toolkit.errors import DataError

LabelsFrom = Literal["folder", "name", "csv", "json"]
SplitFrom = Literal["folder", "csv", "none"]
GroupFrom = Literal["folder", "name", "csv", "none"]
BACKGROUND = "_background_noise_"  # of Speech Commands: long recordings, no class
LEAST_DESCRIBED = 0.5  # of the sounds that a table must label to be used without being asked for
NAMED = 8  # names that a note lists
FOLDER = "FOLDER"  # stands in hints for the path of the data set, which a listing does not have
EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class LabelledSound:
    """One sound. `split` is None and `group` and `fold` are empty where the layout does not give them."""

    name: str
    label: str
    split: Split | None = None
    group: str = ""
    fold: str = ""


@dataclass(frozen=True)
class Rule:
    """Where labels, splits or groups come from: the value of the setting, and the rule in words."""

    source: str
    words: str


@dataclass(frozen=True)
class Layout:
    """The sounds of a data set with their labels, what is left out, the rules, and notes for the user."""

    sounds: tuple[LabelledSound, ...]
    left_out: tuple[LeftOut, ...] = ()
    labels_from: Rule = Rule("folder", "the folders")
    split_from: Rule = Rule("none", "")
    group_from: Rule = Rule("none", "")
    notes: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, sorted."""
        return tuple(sorted({sound.label for sound in self.sounds}))


def folds(layout: Layout) -> Mapping[str, str]:
    """Return the fold of each sound by name, for layouts that publish folds (ESC-50, UrbanSound8K); else nothing."""
    return {sound.name: sound.fold for sound in layout.sounds if sound.fold}


def detect_layout(listing: Listing, settings: DatasetSettings, wanted: Collection[str] = ()) -> Layout:
    """Return the layout of a folder; `wanted` are the labels to use, all of them if it is empty.

    Raises DataError where several folders could be meant, where a source that the settings name does not exist, and
    for an `info.labels` that is damaged; ConfigurationError for an invalid pattern.
    """
    reading = _read(listing, settings, wanted)
    labels = _labels(reading)
    splits = _splits(reading)
    groups = _groups(reading)
    found = [
        LabelledSound(
            name, label, splits.of.get(name), groups.of.get(name, ""), reading.folds.get(name, "")
        )
        for name, label in sorted(labels.of.items())
        if label and not labels.leaves_out(name, reading)
    ]  # fmt: skip
    sounds, dropped = _wanted(found, wanted)
    used = {sound.name for sound in sounds} | {one.name for one in dropped}
    left_out = [LeftOut(name, labels.reason(name, reading)) for name in listing.sounds if name not in used]
    return Layout(
        tuple(sounds), tuple(sorted((*left_out, *dropped, *listing.left_out), key=lambda one: one.name)),
        labels.rule, splits.rule, groups.rule, tuple(dict.fromkeys(_notes(reading, labels, splits, sounds))),
    )  # fmt: skip


@dataclass(frozen=True)
class _Reading:
    """Everything that the sources state, before it is chosen from."""

    listing: Listing
    settings: DatasetSettings
    folders: FolderReading
    tables: tuple[Metadata, ...]
    export: Metadata | None
    lists: Metadata | None
    notes: tuple[str, ...]

    @cached_property
    def excluded(self) -> frozenset[str]:
        """Sounds beside the folders of splits."""
        return frozenset(self.folders.outside)

    def tables_with(self, what: str) -> Iterable[Metadata]:
        """Return the metadata that has a column of labels, splits, groups or folds."""
        metadata = chain([self.export] if self.export else [], self.tables, [self.lists] if self.lists else [])
        return (one for one in metadata if one.has(what))

    @cached_property
    def folds(self) -> Mapping[str, str]:
        """The folds of the sounds by their folders, or by the first table that has them."""
        if self.settings.split_from == "none":
            return {}
        found = dict(self.folders.folds)
        for table in reversed(list(self.tables_with("fold"))):
            found |= {name: one.fold for name, one in table.sounds.items() if one.fold}
        return found


@dataclass(frozen=True)
class _Found:
    """Labels or groups by name, their rule, and why some sounds have none."""

    of: Mapping[str, str]
    rule: Rule
    reasons: Mapping[str, str] = field(default_factory=dict)
    otherwise: str = "no label"

    def leaves_out(self, name: str, reading: _Reading) -> bool:
        """Whether a sound lies beside the folders of splits; a table or export names each sound itself."""
        return self.rule.source in ("folder", "name") and name in reading.excluded

    def reason(self, name: str, reading: _Reading) -> str:
        """Return why a sound is left out."""
        if self.leaves_out(name, reading):
            folders = ", ".join(reading.folders.split_folders)
            return f"outside of the folders {folders}"
        return self.reasons.get(name) or self.otherwise


@dataclass(frozen=True)
class _FoundSplits:
    of: Mapping[str, Split]
    rule: Rule


def _read(listing: Listing, settings: DatasetSettings, wanted: Collection[str]) -> _Reading:
    forced = settings.labels_from == "folder" and settings.split_from == "auto"
    with_splits = settings.split_from in ("auto", "folder") and not forced
    tables, notes = read_tables(listing)
    export = read_export(listing) if settings.labels_from in ("auto", "json") else None
    folders = read_folders(listing.sounds, with_splits=with_splits, labels=wanted)
    return _Reading(listing, settings, folders, tuple(tables), export, read_lists(listing), tuple(notes))


def _labels(reading: _Reading) -> _Found:
    source = reading.settings.labels_from
    if source == "auto":
        return _labels_by_any(reading)
    found = {
        "json": _labels_by_export, "csv": _labels_by_table, "name": _labels_by_name, "folder": _labels_by_folder,
    }[source](reading)  # fmt: skip
    if found is None:
        raise _no_source(reading)
    return found


def _labels_by_any(reading: _Reading) -> _Found:
    if reading.export and reading.export.sounds:
        return _described_labels(reading.export, "json")
    table = _labels_by_table(reading)
    if table and len(table.of) >= LEAST_DESCRIBED * len(reading.listing.sounds):
        return table
    folder = _labels_by_folder(reading)
    if len(set(folder.of.values())) < 2:
        names = read_names(_inside(reading))
        if names:
            return _named(names.labels, names.rule)
    if reading.folders.candidates:
        raise _several(reading)
    return folder


def _labels_by_export(reading: _Reading) -> _Found | None:
    return _described_labels(reading.export, "json") if reading.export else None


def _labels_by_table(reading: _Reading) -> _Found | None:
    tables = [table for table in reading.tables if table.has("label")]
    if not tables:
        return None
    found = [_described_labels(table, "csv") for table in tables]
    words = " and ".join(one.rule.words for one in found)
    merged: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for one in reversed(found):
        merged |= one.of
        reasons |= one.reasons
    files = ", ".join(table.file for table in tables)
    return _Found(merged, Rule("csv", words), reasons, f"not in {files}")


def _described_labels(metadata: Metadata, source: LabelsFrom) -> _Found:
    usable = {name: one.label for name, one in metadata.sounds.items() if not one.reason}
    reasons = {name: one.reason for name, one in metadata.sounds.items() if one.reason}
    return _Found(usable, Rule(source, metadata.source("label")), reasons, f"not in {metadata.file}")


def _labels_by_folder(reading: _Reading) -> _Found:
    words = "the folders" if not reading.folders.base else f"the folders in {reading.folders.base}"
    return _Found(reading.folders.labels, Rule("folder", words), otherwise="not in the folder of a label")


def _labels_by_name(reading: _Reading) -> _Found | None:
    names = read_names(_inside(reading), certain=False)
    return _named(names.labels, names.rule) if names else None


def _named(labels: Mapping[str, str], rule: str) -> _Found:
    return _Found(labels, Rule("name", f"names of the files, {rule}"), otherwise="no label in its name")


def _inside(reading: _Reading) -> list[str]:
    return [name for name in reading.listing.sounds if name not in reading.excluded]


def _splits(reading: _Reading) -> _FoundSplits:
    source = reading.settings.split_from
    if source in ("auto", "csv"):
        given: dict[str, Split] = {}
        words = []
        for table in reading.tables_with("split"):
            fresh = {name: one.split for name, one in table.sounds.items() if one.split and name not in given}
            given |= fresh
            words += [table.source("split")] if fresh else []
        if given and (source == "csv" or len(set(given.values())) > 1):
            return _FoundSplits(given, Rule("csv", " and ".join(words)))
    if source in ("auto", "folder") and reading.folders.splits:
        folders = ", ".join(reading.folders.split_folders)
        return _FoundSplits(reading.folders.splits, Rule("folder", f"the folders {folders}"))
    if source in ("csv", "folder") and not reading.folds:
        raise DataError(
            f'dataset.split_from = "{source}", but no {"table" if source == "csv" else "folder"} gives a split',
            hint="Use --split-from none, and test clips are chosen by [dataset] split.",
        )
    return _FoundSplits({}, Rule(_fold_source(reading), "whole folds") if reading.folds else Rule("none", ""))


def _fold_source(reading: _Reading) -> str:
    return "csv" if any(True for _ in reading.tables_with("fold")) else "folder"


def _groups(reading: _Reading) -> _Found:
    settings, sounds = reading.settings, reading.listing.sounds
    source = settings.group_from
    if settings.group_pattern and source in ("auto", "name"):
        by_pattern = groups_by_pattern(sounds, settings.group_pattern)
        if not by_pattern:
            raise DataError(
                f"dataset.group_pattern = {settings.group_pattern!r} finds no group in any name",
                why=f"a name is {sounds[0]}" if sounds else "", hint="Correct the pattern: --group-pattern REGEX.",
            )  # fmt: skip
        return _Found(by_pattern, Rule("name", f"names of the files, {settings.group_pattern}"))
    finders = {
        "csv": _groups_by_table, "name": _groups_by_name, "folder": _groups_by_folder, "none": _no_groups,
    }  # fmt: skip
    if source != "auto":
        found = finders[source](reading)
        if not found.of and source != "none":
            raise DataError(
                f'dataset.group_from = "{source}", but no group is found there',
                hint="Use --group-pattern REGEX for groups in names, or --group-from none.",
            )
        return found
    found = _groups_by_table(reading)
    if found.of:
        return found
    if by_speaker := speakers(_spoken(reading)):
        return _Found(by_speaker, Rule("name", "the speaker in the names of the files"))
    if reading.folders.groups:
        return _Found(reading.folders.groups, Rule("folder", "folders named as speakers, machines or sessions"))
    if reading.folds:
        by_fold = {name: f"fold {fold}" for name in sounds if (fold := reading.folds.get(name))}
        return _Found(by_fold, Rule(_fold_source(reading), "the folds"))
    return _no_groups(reading)


def _groups_by_table(reading: _Reading) -> _Found:
    for table in reading.tables_with("group"):
        groups = {name: one.group for name, one in table.sounds.items() if one.group}
        if groups:
            return _Found(groups, Rule("csv", table.source("group")))
    if any(True for _ in reading.tables_with("fold")):
        by_fold = {name: f"fold {fold}" for name in reading.listing.sounds if (fold := reading.folds.get(name))}
        return _Found(by_fold, Rule("csv", "the folds"))
    return _no_groups(reading)


def _groups_by_name(reading: _Reading) -> _Found:
    return _Found(speakers(_spoken(reading)), Rule("name", "the speaker in the names of the files"))


def _groups_by_folder(reading: _Reading) -> _Found:
    folders = reading.folders
    inner = folders.groups or folders.inner or {
        name: name.rpartition("/")[0] for name in reading.listing.sounds if "/" in name
    }  # fmt: skip
    return _Found(inner, Rule("folder", "the folders below the labels"))


def _spoken(reading: _Reading) -> list[str]:
    return [name for name in reading.listing.sounds if BACKGROUND not in name.split("/")]


def _no_groups(_reading: _Reading) -> _Found:
    return _Found({}, Rule("none", ""))


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


def _notes(reading: _Reading, labels: _Found, splits: _FoundSplits, sounds: Sequence[LabelledSound]) -> Iterable[str]:
    yield from reading.notes
    folders, automatic = reading.folders, reading.settings.labels_from == "auto"
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
    for table in {id(one): one for one in chain(reading.tables_with("label"), reading.tables_with("split"))}.values():
        if table.unmatched and (table.has("label") or table is reading.lists):
            named = ", ".join(name or "(empty)" for name in table.unmatched[:3])
            yield f"{table.file}: {len(table.unmatched)} rows name no file here, the first: {named}"


def _several(reading: _Reading) -> DataError:
    base = f"{reading.folders.base}/" if reading.folders.base else ""
    named = ", ".join(f"{base}{folder}" for folder in reading.folders.candidates[:NAMED])
    return DataError(
        "the folder holds several folders that could be the data set" if len(reading.folders.candidates) > 1
        else "the folder is above the data set",
        why=f"each has folders of clips: {named}" if len(reading.folders.candidates) > 1 else f"which may be {named}",
        hint=f"Name the one that is meant: --clips {FOLDER}/{base}{reading.folders.candidates[0]}, or take every folder"
        " as a label: --labels-from folder.",
    )  # fmt: skip


def _no_source(reading: _Reading) -> DataError:
    source = reading.settings.labels_from
    there = ", ".join(sorted(reading.listing.metadata)[:NAMED]) or "none"
    what = {
        "json": "there is no info.labels", "csv": "no table has a column of files and a column of labels",
        "name": "the names of the files give fewer than two labels",
    }[source]  # fmt: skip
    return DataError(
        f'dataset.labels_from = "{source}", but {what}',
        why=f"files that may describe clips: {there}" if source != "name" else "",
        hint="Use --labels-from folder for one folder a label, or remove the setting.",
    )
