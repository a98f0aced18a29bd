"""Tables of summary features, one row for a clip or a window: read from CSV or NPZ with checks, and written.

A CSV has the layout that is published with GTZAN: `filename`, the features, `label`; and if wanted `start_ms` (where a
window begins in its clip) and `group` (the artist). An NPZ holds the same columns as arrays of these names.
"""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.summary.columns import EXTRACTORS
from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.config.units import counted
from ei_toolkit.errors import DataError, UsageError

NAME, LABEL, GROUP, START = "filename", "label", "group", "start_ms"
SHOWN = 5  # names of columns or rows that a message lists
SUFFIXES = (".csv", ".npz")
Columns = Mapping[str, Sequence[str] | npt.NDArray[np.generic]]


@dataclass(frozen=True)
class FeatureTable:
    """Features (rows, columns) of an extractor. `groups` has "" where the table gives no group.

    Rows of one name are windows of one clip, `starts_ms` are their first milliseconds.
    """

    extractor: str
    names: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    starts_ms: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the features."""
        return EXTRACTORS[self.extractor]


def read_table(file: Path, extractor: str = "") -> FeatureTable:
    """Return the table in a CSV or NPZ file; without `extractor`, the one whose columns the file has.

    Raises UsageError for another kind of file, DataError where it cannot be read, columns are missing, it has the
    columns of another extractor, it has no rows, a row has no name or label, or a feature is not a finite number.
    """
    check_table_name(file)
    columns = _csv_columns(file) if file.suffix.lower() == ".csv" else _npz_columns(file)
    for needed in (NAME, LABEL):
        if needed not in columns:
            raise DataError(f"{file} has no column {needed}", hint=f"First line: {NAME},<features>,{LABEL}")
    extractor = _checked_extractor(file, columns, extractor)
    names = tuple(str(name).strip() for name in columns[NAME])
    if not names:
        raise DataError(f"{file} has no rows", hint="One row a clip.")
    labels = tuple(str(label).strip() for label in columns[LABEL])
    if bare := [
        str(row) for row, (name, label) in enumerate(zip(names, labels, strict=True), 1) if not name or not label
    ]:
        raise DataError(
            f"{file}: row {_some(bare)}: {NAME} or {LABEL} is missing", hint="Fill it in, or remove the row."
        )
    groups = tuple(str(group).strip() for group in columns.get(GROUP, [""] * len(names)))
    starts = _numbers(file, START, columns.get(START, ["0"] * len(names)))
    values = np.column_stack([_numbers(file, column, columns[column]) for column in EXTRACTORS[extractor]])
    _check_finite(file, extractor, names, values)
    return FeatureTable(extractor, names, labels, groups, starts.astype(np.int64), values)


def check_table_name(file: Path) -> Path:
    """Return the file. Raises UsageError where its ending is not that of a table of features."""
    if file.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"{file} is not a table of features", hint=f"Name a file that ends in {' or '.join(SUFFIXES)}."
        )
    return file


def write_table(file: Path, table: FeatureTable) -> None:
    """Write a table as CSV or NPZ, by the ending of the file. Raises UsageError for another ending."""
    check_table_name(file)
    columns: dict[str, Sequence[object] | npt.NDArray[np.generic]] = {NAME: table.names}
    if len(set(table.names)) < len(table.names):
        columns[START] = table.starts_ms
    columns |= dict(zip(table.columns, table.values.T, strict=True))
    if any(table.groups):
        columns[GROUP] = table.groups
    columns[LABEL] = table.labels
    if file.suffix.lower() == ".npz":
        packed = io.BytesIO()
        arrays: dict[str, Any] = {name: np.asarray(column) for name, column in columns.items()}
        np.savez_compressed(packed, **arrays)
        write_bytes(file, packed.getvalue())
        return
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(columns)
    rows.writerows(zip(*columns.values(), strict=True))
    write_bytes(file, text.getvalue().encode())


def _csv_columns(file: Path) -> Columns:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            header, *rows = list(csv.reader(stream)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(file, error) from None
    rows = [row for row in rows if row]
    if wrong := [str(number) for number, row in enumerate(rows, 1) if len(row) != len(header)]:
        raise DataError(
            f"{file}: row {_some(wrong)} has not as many values as the first line has columns ({len(header)})",
            hint="Write the file again, or correct the row.",
        )
    return {name.strip(): [row[place] for row in rows] for place, name in enumerate(header)}


def check_npz(file: Path) -> None:
    """Raise BadZipFile for a file that is no NPZ; NumPy would take it for pickled data. Raises OSError if missing."""
    with file.open("rb") as stream:
        if not zipfile.is_zipfile(stream):
            raise zipfile.BadZipFile("it is not an .npz archive")


def _npz_columns(file: Path) -> Columns:
    try:
        check_npz(file)
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as stored:
            columns = {name: np.atleast_1d(stored[name]) for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _unreadable(file, error) from None
    if len({column.shape for column in columns.values()}) > 1 or any(c.ndim != 1 for c in columns.values()):
        raise DataError(f"{file}: its arrays are not columns of one length", hint="Save one array for each column.")
    return columns


def _unreadable(file: Path, error: Exception) -> DataError:
    return DataError(f"{file} cannot be read", why=str(error), hint="Give a table of features, .csv or .npz.")


def _checked_extractor(file: Path, columns: Columns, wanted: str) -> str:
    complete = [name for name, own in EXTRACTORS.items() if set(own) <= set(columns)]
    if wanted in complete or (complete and not wanted):
        return wanted or complete[0]
    if complete:
        raise DataError(
            f"{file} has the features of {complete[0]}, and those of {wanted} are needed",
            hint=f"Compute them: eitk features CLIPS --extractor {wanted} --output FILE.csv",
        )
    nearest = wanted or max(
        EXTRACTORS, key=lambda name: len(set(EXTRACTORS[name]) & set(columns)) / len(EXTRACTORS[name])
    )
    missing = [column for column in EXTRACTORS[nearest] if column not in columns]
    raise DataError(
        f"{file} lacks {counted(len(missing), 'column')} of {nearest}: {_some(missing)}",
        hint=f"Compute the table again: eitk features CLIPS --extractor {nearest} --output FILE.csv",
    )


def _numbers(file: Path, column: str, values: Sequence[object] | npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    if isinstance(values, np.ndarray) and np.issubdtype(values.dtype, np.number):
        return values.astype(np.float64)
    return np.array(list(_parsed(file, column, values)), np.float64)


def _parsed(file: Path, column: str, values: Sequence[object] | npt.NDArray[np.generic]) -> Iterator[float]:
    for row, value in enumerate(values, 1):
        try:
            yield float(str(value) or math.nan)
        except ValueError:
            raise DataError(
                f"{file}: row {row}: {column} is {str(value)[:40]!r}, which is not a number", hint="Correct the row."
            ) from None


def _check_finite(file: Path, extractor: str, names: Sequence[str], values: npt.NDArray[np.float64]) -> None:
    bad_values = np.argwhere(~np.isfinite(values)).tolist()
    if not bad_values:
        return
    bad = dict.fromkeys(names[row] for row, _ in bad_values)
    first_row, first_column = bad_values[0]
    raise DataError(
        f"{file}: {counted(len(bad), 'row')} with features that are not numbers (NaN, infinite or empty): "
        f"{_some(list(bad))}",
        why=f"the first is {EXTRACTORS[extractor][first_column]} of {names[first_row]}",
        hint="Remove these rows, or compute the features of these clips again.",
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
