"""The sources of a layout: where labels, splits and groups of sounds can come from, and which of them is used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from ei_toolkit.config import DatasetSettings
from ei_toolkit.dataset.edge_impulse_export import read_export
from ei_toolkit.dataset.file_names import groups_by_pattern, read_names, speakers
from ei_toolkit.dataset.folder_names import FolderReading, Split, read_folders
from ei_toolkit.dataset.listing import Listing
from ei_toolkit.dataset.metadata_tables import Metadata, read_lists, read_tables
from ei_toolkit.errors import DataError

BACKGROUND = "_background_noise_"  # of Speech Commands: long recordings, no class
LEAST_DESCRIBED = 0.5  # of the sounds that a table must label to be used without being asked for
NAMED = 8  # names that a message lists
FOLDER = "FOLDER"  # stands in hints for the path of the data set, which a listing does not have


@dataclass(frozen=True)
class Rule:
    """Where labels, splits or groups come from: the value of the setting, and the rule in words."""

    source: str
    words: str


BY_FOLDERS = Rule("folder", "the folders")
NO_RULE = Rule("none", "")


@dataclass(frozen=True)
class Sources:
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

    @cached_property
    def rerecorded(self) -> frozenset[str]:
        """Sounds that are recordings of others, by their metadata."""
        sounds = self.export.sounds if self.export else {}
        return frozenset(name for name, one in sounds.items() if one.is_rerecorded)

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
class Found:
    """Labels or groups by name, their rule, and why some sounds have none."""

    of: Mapping[str, str]
    rule: Rule
    reasons: Mapping[str, str] = field(default_factory=dict)
    otherwise: str = "no label"

    def leaves_out(self, name: str, sources: Sources) -> bool:
        """Whether a sound lies beside the folders of splits; a table or export names each sound itself."""
        return self.rule.source in ("folder", "name") and name in sources.excluded

    def reason(self, name: str, sources: Sources) -> str:
        """Return why a sound is left out."""
        if self.leaves_out(name, sources):
            folders = ", ".join(sources.folders.split_folders)
            return f"outside of the folders {folders}"
        return self.reasons.get(name) or self.otherwise


@dataclass(frozen=True)
class FoundSplits:
    """Splits by name, and their rule."""

    of: Mapping[str, Split]
    rule: Rule


def read_sources(listing: Listing, settings: DatasetSettings, wanted: Collection[str]) -> Sources:
    """Read what every source states. Raises DataError for an `info.labels` that is damaged and would be used."""
    forced = settings.labels_from == "folder" and settings.split_from == "auto"
    with_splits = settings.split_from in ("auto", "folder") and not forced
    tables, notes = read_tables(listing)
    export = read_export(listing) if settings.labels_from in ("auto", "json") else None
    folders = read_folders(listing.sounds, with_splits=with_splits, labels=wanted)
    return Sources(listing, settings, folders, tuple(tables), export, read_lists(listing), tuple(notes))


def find_labels(sources: Sources) -> Found:
    """Return the labels of the source that the settings name, else of the first that has them.

    Raises DataError where the named source does not exist, or several folders could be the data set.
    """
    source = sources.settings.labels_from
    if source == "auto":
        return _labels_by_any(sources)
    found = {
        "json": _labels_by_export, "csv": _labels_by_table, "name": _labels_by_name, "folder": _labels_by_folder,
    }[source](sources)  # fmt: skip
    if found is None:
        raise _no_source(sources)
    return found


def _labels_by_any(sources: Sources) -> Found:
    if sources.export and sources.export.sounds:
        return _described_labels(sources.export, "json")
    table, sounds = _labels_by_table(sources), len(sources.listing.sounds)
    if table and len(table.of) >= LEAST_DESCRIBED * sounds:
        if sources.folders.candidates and len(table.of) < sounds:
            raise _several(sources)  # the table may be for one of them, and names may be in several
        return table
    folder = _labels_by_folder(sources)
    if len(set(folder.of.values())) < 2:
        names = read_names(_inside(sources))
        if names:
            return _named(names.labels, names.rule)
    if sources.folders.candidates:
        raise _several(sources)
    return folder


def _labels_by_export(sources: Sources) -> Found | None:
    return _described_labels(sources.export, "json") if sources.export else None


def _labels_by_table(sources: Sources) -> Found | None:
    tables = [table for table in sources.tables if table.has("label")]
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
    return Found(merged, Rule("csv", words), reasons, f"not in {files}")


def _described_labels(metadata: Metadata, source: str) -> Found:
    usable = {name: one.label for name, one in metadata.sounds.items() if not one.reason}
    reasons = {name: one.reason for name, one in metadata.sounds.items() if one.reason}
    return Found(usable, Rule(source, metadata.source("label")), reasons, f"not in {metadata.file}")


def _labels_by_folder(sources: Sources) -> Found:
    base = sources.folders.base
    rule = Rule("folder", f"the folders in {base}") if base else BY_FOLDERS
    return Found(sources.folders.labels, rule, otherwise="not in the folder of a label")


def _labels_by_name(sources: Sources) -> Found | None:
    names = read_names(_inside(sources), certain=False)
    return _named(names.labels, names.rule) if names else None


def _named(labels: Mapping[str, str], rule: str) -> Found:
    return Found(labels, Rule("name", f"names of the files, {rule}"), otherwise="no label in its name")


def _inside(sources: Sources) -> list[str]:
    return [name for name in sources.listing.sounds if name not in sources.excluded]


def find_splits(sources: Sources) -> FoundSplits:
    """Return the splits of tables and lists, else of folders. Raises DataError where the named source has none."""
    source = sources.settings.split_from
    if source in ("auto", "csv"):
        given: dict[str, Split] = {}
        words = []
        for table in sources.tables_with("split"):
            fresh = {name: one.split for name, one in table.sounds.items() if one.split and name not in given}
            given |= fresh
            words += [table.source("split")] if fresh else []
        if given and (source == "csv" or len(set(given.values())) > 1):
            return FoundSplits(given, Rule("csv", " and ".join(words)))
    if source in ("auto", "folder") and sources.folders.splits:
        folders = ", ".join(sources.folders.split_folders)
        return FoundSplits(sources.folders.splits, Rule("folder", f"the folders {folders}"))
    if source in ("csv", "folder") and not sources.folds:
        raise DataError(
            f'dataset.split_from = "{source}", but no {"table" if source == "csv" else "folder"} gives a split',
            hint="Use --split-from none, and test clips are chosen by [dataset] split.",
        )
    return FoundSplits({}, Rule(_fold_source(sources), "whole folds") if sources.folds else NO_RULE)


def _fold_source(sources: Sources) -> str:
    return "csv" if any(True for _ in sources.tables_with("fold")) else "folder"


def find_groups(sources: Sources, labels: Found) -> Found:
    """Return the groups of the source that the settings name, else those of tables, names, folders or folds.

    Raises DataError where the named source or pattern gives none, ConfigurationError for an invalid pattern.
    """
    settings, sounds = sources.settings, sources.listing.sounds
    source = settings.group_from
    if settings.group_pattern and source in ("auto", "name"):
        by_pattern = groups_by_pattern(sounds, settings.group_pattern)
        if not by_pattern:
            raise DataError(
                f"dataset.group_pattern = {settings.group_pattern!r} finds no group in any name",
                why=f"a name is {sounds[0]}" if sounds else "", hint="Correct the pattern: --group-pattern REGEX.",
            )  # fmt: skip
        return Found(by_pattern, Rule("name", f"names of the files, {settings.group_pattern}"))
    finders = {
        "csv": _groups_by_table, "name": _groups_by_name, "folder": _groups_by_folder, "none": _no_groups,
    }  # fmt: skip
    if source != "auto":
        found = finders[source](sources)
        if not found.of and source != "none":
            raise DataError(
                f'dataset.group_from = "{source}", but no group is found there',
                hint="Use --group-pattern REGEX for groups in names, or --group-from none.",
            )
        return found
    found = _groups_by_table(sources)
    if found.of:
        return found
    if by_speaker := speakers(_spoken(sources), labels.of):
        return Found(by_speaker, Rule("name", "the speaker in the names of the files"))
    if sources.folders.groups:
        return Found(sources.folders.groups, Rule("folder", "folders named as speakers, machines or sessions"))
    if sources.folds:
        by_fold = {name: f"fold {fold}" for name in sounds if (fold := sources.folds.get(name))}
        return Found(by_fold, Rule(_fold_source(sources), "the folds"))
    return _no_groups(sources)


def _groups_by_table(sources: Sources) -> Found:
    for table in sources.tables_with("group"):
        groups = {name: one.group for name, one in table.sounds.items() if one.group}
        if groups:
            return Found(groups, Rule("csv", table.source("group")))
    if any(True for _ in sources.tables_with("fold")):
        by_fold = {name: f"fold {fold}" for name in sources.listing.sounds if (fold := sources.folds.get(name))}
        return Found(by_fold, Rule("csv", "the folds"))
    return _no_groups(sources)


def _groups_by_name(sources: Sources) -> Found:
    return Found(speakers(_spoken(sources)), Rule("name", "the speaker in the names of the files"))


def _groups_by_folder(sources: Sources) -> Found:
    folders = sources.folders
    inner = folders.groups or folders.inner or {
        name: name.rpartition("/")[0] for name in sources.listing.sounds if "/" in name
    }  # fmt: skip
    return Found(inner, Rule("folder", "the folders below the labels"))


def _spoken(sources: Sources) -> list[str]:
    return [name for name in sources.listing.sounds if BACKGROUND not in name.split("/")]


def _no_groups(_reading: Sources) -> Found:
    return Found({}, NO_RULE)


def _several(sources: Sources) -> DataError:
    base = f"{sources.folders.base}/" if sources.folders.base else ""
    named = ", ".join(f"{base}{folder}" for folder in sources.folders.candidates[:NAMED])
    return DataError(
        "the folder holds several folders that could be the data set" if len(sources.folders.candidates) > 1
        else "the folder is above the data set",
        why=f"each has folders of clips: {named}" if len(sources.folders.candidates) > 1 else f"which may be {named}",
        hint=f"Name the one that is meant: --clips {FOLDER}/{base}{sources.folders.candidates[0]}, or take every folder"
        " as a label: --labels-from folder.",
    )  # fmt: skip


def _no_source(sources: Sources) -> DataError:
    source = sources.settings.labels_from
    there = ", ".join(sorted(sources.listing.metadata)[:NAMED]) or "none"
    what = {
        "json": "there is no info.labels", "csv": "no table has a column of files and a column of labels",
        "name": "the names of the files give fewer than two labels",
    }[source]  # fmt: skip
    return DataError(
        f'dataset.labels_from = "{source}", but {what}',
        why=f"files that may describe clips: {there}" if source != "name" else "",
        hint="Use --labels-from folder for one folder a label, or remove the setting.",
    )
