"""Rows of a table of features with what a protocol needs: label, clip, artist and part in the published split."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.config.units import counted
from ei_toolkit.dataset.faults import fault_of
from ei_toolkit.dataset.index import Part, Track, load_index
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.folds import FOLDS, Protocol
from ei_toolkit.features.table import FeatureTable
from ei_toolkit.impulse.trained_model import label_order
from ei_toolkit.training.split import grouped_folds

SHOWN = 5  # rows that a message names
SEGMENT = re.compile(r"\.\d+$")  # of `blues.00000.3`, as the published table of 3 s segments names its rows
Split = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


@dataclass(frozen=True)
class LabelledRows:
    """Features (rows, columns) with the clip, the index of the label, the artist and the published part of each row.

    `blocks` are the numbers of features of blocks that belong together; () where there are none.
    """

    extractor: str
    values: npt.NDArray[Any]
    clips: tuple[str, ...]
    names: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    groups: tuple[str, ...]
    parts: tuple[Part, ...]
    blocks: tuple[int, ...] = ()

    @property
    def has_windows(self) -> bool:
        """Whether some clip has several rows."""
        return len(set(self.clips)) < len(self.clips)


def labelled_rows(table: FeatureTable, *, leave_out_faults: bool = False) -> LabelledRows:
    """Find the artist and the published part of each row, by its name in GTZAN's index or by its own group.

    Raises DataError where a row has neither, a label contradicts the index, there are fewer than two labels or a
    label has a single clip.
    """
    tracks = [find_track(name) for name in table.names]
    _check(table, tracks)
    kept = [row for row, track in enumerate(tracks) if not (leave_out_faults and fault_of(track))]
    chosen = [(table.names[row], table.labels[row], table.groups[row], tracks[row]) for row in kept]
    names = tuple(label_order(label for _, label, _, _ in chosen))
    return LabelledRows(
        extractor=table.extractor,
        values=table.values[kept],
        clips=tuple(track.track if track else name for name, _, _, track in chosen),
        names=names,
        labels=np.array([names.index(label) for _, label, _, _ in chosen]),
        groups=tuple(group or (track.group if track else "") for _, _, group, track in chosen),
        parts=tuple(track.part if track else "" for _, _, _, track in chosen),
    )


def splits(rows: LabelledRows, protocol: Protocol, seed: int, folds: int = FOLDS) -> list[Split]:
    """Return the (training, testing) rows of each fold. Raises DataError where a label has too few clips or artists.

    `fault-filtered` has one fold: the published training and validation parts, and the published test part.
    """
    if protocol == "fault-filtered":
        return [published_split(rows)]
    units = units_of(rows, protocol)
    own: dict[int, set[str]] = {}
    for label, unit in zip(rows.labels.tolist(), units, strict=True):
        own.setdefault(label, set()).add(unit)
    label, found = min(own.items(), key=lambda item: len(item[1]))
    if len(found) < folds:
        noun = {"segment": "row"}.get(protocol, protocol)
        raise DataError(
            f"{folds} folds cannot be made, because the label {rows.names[label]} has {counted(len(found), noun)}",
            hint=f"Add clips of the label {rows.names[label]}, or remove its rows.",
        )
    return grouped_folds(rows.labels.tolist(), units, folds, seed)


def units_of(rows: LabelledRows, protocol: Protocol) -> Sequence[str]:
    """Return for each row what a protocol keeps in one fold: the row itself, its clip or its artist.

    Raises DataError for a protocol that a table cannot have.
    """
    if protocol == "segment":
        return [str(row) for row in range(len(rows.clips))]
    units = {"clip": rows.clips, "artist": rows.groups, "fault-filtered": rows.groups}
    if protocol not in units:
        raise DataError(f"a table of features has no {protocol}", hint=f"Protocols: segment, {', '.join(units)}.")
    return units[protocol]


def published_split(rows: LabelledRows) -> Split:
    """Return the rows of the published training and validation parts, and those of the published test part.

    Raises DataError where a part has no row of some label.
    """
    parts = np.array(rows.parts)
    testing = np.flatnonzero(parts == "test")
    training = np.flatnonzero((parts == "train") | (parts == "valid"))
    for where, found in (("test", testing), ("training", training)):
        if missing := sorted(set(range(len(rows.names))) - set(rows.labels[found].tolist())):
            raise DataError(
                f"these rows do not contain the published {where} part",
                why=f"the fault-filtered split lists tracks of GTZAN, and {rows.names[missing[0]]} has none there",
                hint="Use --protocol artist.",
            )
    return training, testing


def chosen_rows(rows: LabelledRows, chosen: npt.NDArray[np.int64]) -> LabelledRows:
    """Return some of the rows."""
    clips, groups, parts = ([of[row] for row in chosen] for of in (rows.clips, rows.groups, rows.parts))
    return replace(
        rows, values=rows.values[chosen], labels=rows.labels[chosen], clips=tuple(clips), groups=tuple(groups),
        parts=tuple(parts),
    )  # fmt: skip


def find_track(name: str) -> Track | None:
    """Return the track of GTZAN that the name of a row stands for: a file name, or one of a segment."""
    tracks, stem = load_index().tracks, PurePosixPath(name).name.removesuffix(PurePosixPath(name).suffix)
    return tracks.get(PurePosixPath(name).name) or tracks.get(stem) or tracks.get(SEGMENT.sub("", stem))


def _check(table: FeatureTable, tracks: Sequence[Track | None]) -> None:
    named = list(zip(table.names, table.labels, table.groups, tracks, strict=True))
    if unknown := list(dict.fromkeys(name for name, _, group, track in named if not (track or group))):
        raise DataError(
            f"{counted(len(unknown), 'clip')} without an artist: {_some(unknown)}",
            why="these names are not tracks of GTZAN, and the table has no column group for them",
            hint="Add a column group with the artist of each row, or remove these rows.",
        )
    genres = {track.genre for _, _, _, track in named if track}
    other = [f"{name} ({label}, GTZAN: {t.genre})" for name, label, _, t in named if t and label in genres - {t.genre}]
    if other:
        raise DataError(f"labels that are not those of GTZAN: {_some(other)}", hint="Correct the column label.")
    clips: dict[str, set[str]] = {}
    for name, label, _, track in named:
        clips.setdefault(label, set()).add(track.track if track else name)
    if len(clips) < 2:
        raise DataError(f"all rows have the label {', '.join(clips)}", hint="A classifier needs two labels or more.")
    label, own = min(clips.items(), key=lambda item: (len(item[1]), item[0]))
    if len(own) < 2:
        raise DataError(
            f"the label {label} has 1 clip, which cannot be in training and in testing",
            hint=f"Add clips of the label {label}, or remove its row.",
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
