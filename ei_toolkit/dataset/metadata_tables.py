"""Labels, splits, folds and groups from CSV, TSV and JSON Lines files, and from lists of files. None is trusted."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.dataset.folder_names import SPLIT_WORDS, SPLITS, Split, split_of
from ei_toolkit.dataset.listing import Listing

LABEL_COLUMNS = (
    "label", "class", "category", "genre", "class_name", "label_name", "target_name", "classname", "emotion", "word",
    "keyword", "command", "species", "scene_label", "instrument", "tag", "target", "classid", "class_id", "label_id",
)  # fmt: skip
SPLIT_COLUMNS = ("split", "set", "subset", "partition", "usage", "category", "fold", "type")
FOLD_COLUMNS = ("fold", "cv_fold", "fold_id")
GROUP_COLUMNS = (
    "group", "speaker", "speaker_id", "subject", "subject_id", "actor", "artist", "artist_id", "singer", "src_file",
    "fsid", "recording", "recording_id", "source", "source_id", "session", "session_id", "client_id", "user", "user_id",
    "device", "machine_id", "track_id", "participant",
)  # fmt: skip
LISTS: Mapping[str, Split] = MappingProxyType({"validation_list.txt": "validation", "testing_list.txt": "testing"})
FOLDERS_OF_SPLIT: Mapping[Split | None, Sequence[str]] = {
    split: [word for word, of in SPLIT_WORDS.items() if of == split] for split in SPLITS
}
MOST_ROWS = 2_000_000
MOST_COLUMNS = 1_000
ROWS_TRIED = 200  # to find the column of files
LISTED = "names in"  # stands for a column where lists give the split
NAME = "name of"  # stands for a column where the name of the table gives the split
Row = Mapping[str, str]


@dataclass(frozen=True)
class Described:
    """What a metadata file states of one sound; empty for what it does not state. `reason`: why it cannot be used.

    `is_rerecorded`: the sound is a recording of another sound of the folder.
    """

    label: str = ""
    split: Split | None = None
    group: str = ""
    fold: str = ""
    reason: str = ""
    is_rerecorded: bool = False


@dataclass(frozen=True)
class Metadata:
    """The sounds that a metadata file describes, and the rows that name no sound of the folder.

    `columns` maps `label`, `split`, `group` and `fold` to the columns that they come from.
    """

    file: str
    sounds: Mapping[str, Described]
    columns: Mapping[str, str]
    unmatched: tuple[str, ...] = ()

    def has(self, what: str) -> bool:
        """Whether a column gives the label, split, group or fold."""
        return what in self.columns

    def source(self, what: str) -> str:
        """Return the column and the file in words."""
        column = self.columns[what]
        return f"the {column} {self.file}" if column in (NAME, LISTED) else f"column {column} of {self.file}"


def read_tables(listing: Listing) -> tuple[list[Metadata], list[str]]:
    """Return the tables that describe sounds, the one that describes most first, and notes on damaged files."""
    tables: list[Metadata] = []
    notes: list[str] = []
    for file, content in sorted(listing.metadata.items()):
        if PurePosixPath(file).suffix.lower() not in (".csv", ".tsv", ".jsonl"):
            continue
        try:
            if table := _read_table(file, content, listing):
                tables.append(table)
        except (ValueError, csv.Error) as error:
            notes.append(f"{file} cannot be read as a table: {str(error)[:200]}")
    return sorted(tables, key=lambda table: -len(table.sounds)), notes


def read_lists(listing: Listing) -> Metadata | None:
    """Return the splits that `validation_list.txt` and `testing_list.txt` give; all other sounds are for training."""
    splits: dict[str, Split] = {}
    files = []
    unmatched: list[str] = []
    for file, content in sorted(listing.metadata.items()):
        path = PurePosixPath(file)
        if split := LISTS.get(path.name):
            files.append(file)
            for line in filter(None, map(str.strip, content.decode("utf-8", "replace").splitlines())):
                if name := listing.index.find(line, _folder(file)):
                    splits[name] = split
                else:
                    unmatched.append(line)
    if not splits:
        return None
    described = {name: Described(split=splits.get(name, "training")) for name in listing.sounds}
    return Metadata(" and ".join(files), described, {"split": LISTED}, tuple(unmatched))


def _read_table(file: str, content: bytes, listing: Listing) -> Metadata | None:
    head, cells = _cells(file, content)
    if own := _names_without_head(head, file, listing):
        head, cells = list(own), [head, *cells]
    rows = [dict(zip([name.strip().casefold() for name in head], row, strict=False)) for row in cells]
    files = _file_column(rows, file, listing)
    if files is None:
        return None
    columns = _columns(rows, files)
    whole = _split_of_file(file)
    if whole and "split" not in columns:
        columns["split"] = NAME
    sounds: dict[str, Described] = {}
    unmatched: list[str] = []
    folder = _folder(file)
    for row in rows:
        described = _described(row, columns, whole)
        if name := listing.index.find(row.get(files, ""), folder, _folders(described)):
            sounds[name] = described
        else:
            unmatched.append(row.get(files, ""))
    return Metadata(file, sounds, columns, tuple(unmatched)) if sounds and columns else None


def _split_of_file(file: str) -> Split | None:
    """Return the split that a table is for by its name (`train.csv`, `test_labels.csv`) or folder."""
    path = PurePosixPath(file)
    return split_of(re.split(r"[ ._-]", path.stem)[0]) or split_of(path.parent.name)


def _folder(file: str) -> str:
    return file.rpartition("/")[0]


def _folders(described: Described) -> list[str]:
    """Folders in which a sound of that fold or split may lie."""
    folds = [f"fold{described.fold}", f"fold_{described.fold}"] if described.fold else []
    return [*folds, *FOLDERS_OF_SPLIT.get(described.split, ()), described.label]


def _described(row: Row, columns: Mapping[str, str], whole: Split | None) -> Described:
    value = {what: (row.get(column) or "").strip() for what, column in columns.items()}
    reason = "no label in the table" if "label" in columns and not value["label"] else ""
    split = whole if columns.get("split") == NAME else split_of(value.get("split", ""))
    return Described(value.get("label", ""), split, value.get("group", ""), value.get("fold", ""), reason)


def _cells(file: str, content: bytes) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of a table. Raises ValueError or csv.Error for one that is damaged."""
    text = content.decode("utf-8-sig")
    if file.lower().endswith(".jsonl"):
        objects = [_object(line) for line in islice(filter(None, map(str.strip, text.splitlines())), MOST_ROWS)]
        head = list(dict.fromkeys(chain.from_iterable(islice(objects, ROWS_TRIED))))[:MOST_COLUMNS]
        return head, [[_text(row.get(name)) for name in head] for row in objects]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(file, text))
    return next(reader, [])[:MOST_COLUMNS], [row for row in islice(reader, MOST_ROWS) if row]


def _object(line: str) -> dict[str, Any]:
    row = read_json(line)
    if not isinstance(row, dict):
        raise ValueError("a line is not an object")
    return row


def _text(value: Any) -> str:
    """Return a plain value as text; a list or an object is no label."""
    return "" if value is None or isinstance(value, (list, dict)) else str(value)


def _delimiter(file: str, text: str) -> str:
    if file.lower().endswith(".tsv"):
        return "\t"
    head = text.split("\n", 1)[0]
    return max(",;\t|", key=head.count)


def _file_column(rows: Sequence[Row], file: str, listing: Listing) -> str | None:
    """Return the column whose values name sounds; at least a quarter of those that are tried must."""
    if not rows:
        return None
    tried = rows[:: max(1, len(rows) // ROWS_TRIED)][:ROWS_TRIED]

    def matches(column: str) -> int:
        return sum(_names_a_sound(row.get(column, ""), file, listing) for row in tried)

    best = max(rows[0], key=matches, default=None)
    return best if best is not None and 4 * matches(best) >= len(tried) and matches(best) else None


def _names_a_sound(text: str, file: str, listing: Listing) -> bool:
    if not text.strip() or text.strip().isdigit():
        return False  # a number may be the stem of a file by chance
    return listing.index.find(text, _folder(file)) is not None or listing.index.is_known(text)


def _names_without_head(head: Sequence[str], file: str, listing: Listing) -> tuple[str, ...]:
    """Return names for the columns of a table whose first line is a row, as `rock/a.wav,rock`; empty if it is none."""
    found = ["." in cell and _names_a_sound(cell, file, listing) for cell in head]
    if len(head) not in (2, 3) or not any(found[:2]):
        return ()
    return ("file", "label", "split") if found[0] else ("label", "file", "split")


def _columns(rows: Sequence[Row], files: str) -> dict[str, str]:
    there = [column for column in rows[0] if column != files]
    found: dict[str, str] = {}
    if split := _first(SPLIT_COLUMNS, there, lambda column: _is_split(rows, column)):
        found["split"] = split
    if label := _first(LABEL_COLUMNS, there, lambda column: column != split and _has_two(rows, column)):
        found["label"] = label
    if fold := _first(FOLD_COLUMNS, there, lambda column: column != split and _has_two(rows, column)):
        found["fold"] = fold
    if group := _first(GROUP_COLUMNS, there, lambda column: any(row.get(column) for row in rows)):
        found["group"] = group
    return found


def _first(names: Sequence[str], there: Sequence[str], suits: Callable[[str], bool]) -> str:
    return next((name for name in names if name in there and suits(name)), "")


def _is_split(rows: Sequence[Row], column: str) -> bool:
    values = {value.strip() for row in rows if (value := row.get(column) or "")}
    return bool(values) and all(split_of(value) for value in values)


def _has_two(rows: Sequence[Row], column: str) -> bool:
    return len({row.get(column) or "" for row in rows}) > 1
