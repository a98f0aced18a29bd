"""CSV time series as Edge Impulse reads them: a header, a timestamp column, a column for each sensor, perhaps labels.

The format: https://docs.edgeimpulse.com/tools/specifications/data-acquisition/csv, and what its CSV Wizard adds: other
delimiters, full timestamps, an interval in place of timestamps, and a column `label`.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.config.settings import TimeUnit
from ei_toolkit.dataset.manifest import LARGEST_FILE_BYTES
from ei_toolkit.errors import DataError

MS: Mapping[str, float] = {"s": 1000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
UNIT_NAMES = {"sec": "s", "seconds": "s", "milliseconds": "ms", "microseconds": "us", "µs": "us", "nanoseconds": "ns"}
TIME_COLUMN = re.compile(
    r"(?P<name>time_?stamp|time|date_?time|seconds_elapsed|elapsed|t)"
    rf"(?:[ _]?[\[(]?(?P<unit>{'|'.join([*MS, *UNIT_NAMES])})[\])]?)?",
    re.IGNORECASE,
)
UNIT_OF_NAME: Mapping[str, TimeUnit] = {"timestamp": "ms", "time_stamp": "ms", "seconds_elapsed": "s"}
UNIT_OF_SENSOR = re.compile(r"(?P<name>.*\S)\s*[\[(](?P<units>[^\])]+)[\])]")
LABEL_COLUMN = "label"
DELIMITERS = ",;\t|"
LARGEST_VALUE = float(np.finfo(np.float32).max)  # a studio computes with float32
NO_UNITS = "N/A"  # as Edge Impulse names the units of CSV columns
LARGEST_CSV_BYTES = LARGEST_FILE_BYTES
ONE_READING_MS = 1.0  # interval of a file with one row and no timestamp, which is no series
CHARACTERS_AT_ONCE = 2**20
LONGEST_START = 2**16  # bytes from which it is found out whether a table is a time series
LARGEST_GAP = 1.5  # of the usual distance between two timestamps


@dataclass(frozen=True)
class SeriesOptions:
    """What a file cannot say itself: the unit of its timestamps, and an interval (ms) that replaces them."""

    timestamp_unit: TimeUnit | None = None
    interval_ms: float | None = None


@dataclass(frozen=True)
class TimeSeries:
    """One recording: `values` has the shape (n, sensors), `sensors` holds (name, units), `labels` n texts or none."""

    interval_ms: float
    sensors: tuple[tuple[str, str], ...]
    values: NDArray[np.float64]
    labels: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Return the different labels as one text; empty without a column of labels."""
        return ", ".join(dict.fromkeys(self.labels))

    @property
    def ranges(self) -> list[dict[str, Any]]:
        """Return the structured labels (`endIndex` is inclusive); empty if the whole recording has one label."""
        if len(set(self.labels)) < 2:
            return []
        ranges, start = [], 0
        for label, run in itertools.groupby(self.labels):
            count = len(list(run))
            ranges.append({"startIndex": start, "endIndex": start + count - 1, "label": label})
            start += count
        return ranges

    def acquisition_file(self) -> bytes:
        """Return the recording in Edge Impulse's data acquisition format, unsigned; always the same bytes."""
        payload = {
            "device_type": "CSV",
            "interval_ms": self.interval_ms,
            "sensors": [{"name": name, "units": units} for name, units in self.sensors],
            "values": self.values.tolist(),
        }
        document = {"protected": {"ver": "v1", "alg": "none"}, "signature": "", "payload": payload}
        return json.dumps(document, separators=(",", ":")).encode()


def is_time_series(path: Path) -> bool:
    """Whether a CSV file has a timestamp column or only numbers below its header; other tables may describe sounds."""
    try:
        table = _parsed(path.name, _start(path))
    except DataError:
        return False
    if _time_column(table.header) is not None:
        return True
    return all(_number(cell) is not None for cell in next(table.rows)[1])


def read_time_series(path: Path, options: SeriesOptions | None = None) -> TimeSeries:
    """Read a CSV file. Raises DataError with what is wrong, with the line and the column."""
    return parse_time_series(path.name, _content(path), options)


def parse_time_series(name: str, content: bytes, options: SeriesOptions | None = None) -> TimeSeries:
    """Return the recording of a CSV file with this content. Raises DataError like `read_time_series`."""
    table, chosen = _parsed(name, content), options or SeriesOptions()
    time = _time_column(table.header)
    label = next((i for i, name in enumerate(table.header) if name.lower() == LABEL_COLUMN), None)
    columns = [i for i in range(len(table.header)) if i not in (time, label)]
    if not columns:
        raise DataError(f"{table.name}: has no column of values", why=f"its columns are {', '.join(table.header)}")
    interval, warnings = _interval(table, time, chosen)  # before the values: both at once would take more memory
    values = _numbers(table, columns)
    sensors = tuple(_sensor(table.header[i]) for i in columns)
    labels = () if label is None else _labels(table, label)
    return TimeSeries(interval, sensors, values, labels, warnings)


@dataclass(frozen=True)
class _Rows:
    """The rows of a file that are not blank, with the header: (number of the line, cells).

    They are decoded and parsed each time that they are iterated over, since as lists they take fifteen times the size
    of a file.
    """

    content: bytes
    encoding: str
    delimiter: str

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        lines = io.TextIOWrapper(io.BytesIO(self.content), self.encoding, newline="")
        reader = csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True)
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, cells
        except csv.Error as error:
            raise ValueError(f"line {reader.line_num}: {error}") from None


@dataclass(frozen=True)
class _Table:
    """The cells of a file, which has `count` rows below its header; all of them are as long as the header."""

    name: str
    header: tuple[str, ...]
    all_rows: _Rows
    count: int

    @property
    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (number of the line, cells) of each row."""
        return itertools.islice(self.all_rows, 1, None)

    def line(self, row: int) -> int:
        """Return the number of the line of a row."""
        return next(itertools.islice(self.rows, row, None))[0]

    def error(self, line: int, what: str, hint: str = "") -> DataError:
        return DataError(f"{self.name}: line {line}: {what}", hint=hint)


def _start(path: Path) -> bytes:
    """The first complete lines of a file."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LONGEST_START)
    except OSError as error:
        raise DataError(f"{path.name}: cannot be opened", why=error.strerror or "") from None
    if len(data) < LONGEST_START:
        return data
    line_end = b"\n\x00" if data.startswith(codecs.BOM_UTF16_LE) else b"\n"
    return data[: data.rfind(line_end) + len(line_end)]


def _parsed(name: str, content: bytes) -> _Table:
    encoding = _encoding(content)
    with io.TextIOWrapper(io.BytesIO(content), encoding, newline="\n") as lines:
        delimiter = max(DELIMITERS, key=lines.readline().count)
    rows = _Rows(content, encoding, delimiter)
    try:
        count = sum(1 for _ in rows)
    except ValueError as error:
        raise DataError(f"{name}: is no valid CSV", why=str(error)) from None
    if count < 2:
        raise DataError(f"{name}: has no rows of values" if count else f"{name}: is empty")
    header = tuple(cell.strip() for cell in next(iter(rows))[1])
    if all(_number(cell) is not None for cell in header):
        raise DataError(f"{name}: has no header", hint="The first line must name the columns.")
    table = _Table(name, header, rows, count - 1)
    for line, cells in table.rows:
        if len(cells) != len(header):
            raise table.error(line, f"has {len(cells)} values, and the header names {len(header)} columns")
    return table


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_CSV_BYTES:
            raise DataError(f"{path.name}: is larger than {LARGEST_CSV_BYTES // 2**20} MiB", hint="Split it.")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.name}: cannot be opened", why=error.strerror or "") from None


def _encoding(content: bytes) -> str:
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    lines = io.TextIOWrapper(io.BytesIO(content), encoding)
    try:
        while lines.read(CHARACTERS_AT_ONCE):
            pass
    except UnicodeDecodeError:
        return "latin-1"  # any bytes are text in it
    return encoding


def _number(cell: str) -> float | None:
    """The number of a cell, which may have a decimal comma; None if it is none."""
    try:
        return float(cell)
    except ValueError:
        try:
            return float(cell.replace(",", ".", 1))
        except ValueError:
            return None


def _numbers(table: _Table, columns: Sequence[int]) -> NDArray[np.float64]:
    found = np.empty((table.count, len(columns)))
    for row, (line, cells) in enumerate(table.rows):
        for place, column in enumerate(columns):
            value = _number(cells[column])
            if value is None or not abs(value) <= LARGEST_VALUE:
                raise table.error(line, f"the column {table.header[column]}: {_fault(cells[column].strip(), value)}")
            found[row, place] = value
    return found


def _fault(cell: str, value: float | None) -> str:
    """What is wrong with a cell that holds no number, or one that is not finite or too large for a studio."""
    if not cell:
        return "is empty"
    return f"{cell[:40]!r} is {'not a number' if value is None or math.isnan(value) else 'too large'}"


def _time_column(header: Sequence[str]) -> int | None:
    return next((i for i, name in enumerate(header) if TIME_COLUMN.fullmatch(name)), None)


def _interval(table: _Table, column: int | None, options: SeriesOptions) -> tuple[float, tuple[str, ...]]:
    """The interval in ms, and what is to be warned of."""
    if options.interval_ms is not None:
        return options.interval_ms, ()
    if column is None:
        if table.count == 1:
            return ONE_READING_MS, ()
        raise DataError(
            f"{table.name}: has no timestamp column",
            why=f"its columns are {', '.join(table.header[:8])}",
            hint="Name it timestamp (ms), or give the distance of two rows with --interval-ms.",
        )
    if table.count == 1:
        raise DataError(f"{table.name}: one timestamp gives no interval", hint="Give it with --interval-ms.")
    times, unit_ms = _times(table, column, options.timestamp_unit)
    return _steady(table, times, unit_ms)


def _times(table: _Table, column: int, unit: TimeUnit | None) -> tuple[NDArray[np.float64], float]:
    """The timestamps in ms since the first, and their resolution in ms."""
    if all(_number(cells[column].strip()) is not None for _, cells in table.rows):
        factor = MS[unit or _unit(table, column)]
        found = (_number(cells[column].strip()) for _, cells in table.rows)
        numbers = np.fromiter((math.nan if number is None else number for number in found), np.float64, table.count)
        whole = bool((numbers == np.round(numbers)).all())
        numbers -= numbers[0]
        numbers *= factor
        return numbers, factor if whole else factor * 1e-3
    moments = (_moment(table, line, cells[column].strip()) for line, cells in table.rows)
    first = next(moments)
    later = ((moment - first).total_seconds() * 1000 for moment in moments)
    return np.fromiter(itertools.chain([0.0], later), np.float64, table.count), 1.0


def _labels(table: _Table, column: int) -> tuple[str, ...]:
    """The label of each row; equal ones are one object."""
    known: dict[str, str] = {}
    return tuple(known.setdefault(label, label) for label in (cells[column].strip() for _, cells in table.rows))


def _unit(table: _Table, column: int) -> str:
    """The unit that the name of a timestamp column has."""
    found = TIME_COLUMN.fullmatch(table.header[column])
    assert found is not None  # it was found by this pattern
    unit = (found["unit"] or "").lower() or UNIT_OF_NAME.get(found["name"].lower(), "")
    if not unit:
        raise DataError(
            f"{table.name}: the unit of the column {table.header[column]} is not known",
            hint="Give it with --timestamp-unit s, ms, us or ns, or name the column timestamp (ms).",
        )
    return UNIT_NAMES.get(unit, unit)


def _moment(table: _Table, line: int, cell: str) -> datetime:
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        raise table.error(
            line, f"the timestamp {cell[:40]!r} is neither a number nor a date with a time (ISO 8601)"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _steady(table: _Table, times: NDArray[np.float64], unit_ms: float) -> tuple[float, tuple[str, ...]]:
    """The interval of timestamps that increase without a gap."""
    steps = np.diff(times)
    for row in map(int, np.flatnonzero(steps <= 0)):
        what = "is that of the row above" if not steps[row] else f"is {-steps[row]:g} ms before that of the row above"
        raise table.error(table.line(row + 1), f"the timestamp {what}")
    usual = float(np.median(steps))
    for row in map(int, np.flatnonzero(steps > LARGEST_GAP * usual + unit_ms)):
        raise table.error(
            table.line(row + 1),
            f"the timestamp is {steps[row]:g} ms after that of the row above, and {usual:g} ms are usual",
            "Split the file there, or give the interval with --interval-ms.",
        )
    interval = float(times[-1] / len(steps))
    if steps.max() - steps.min() <= 2 * unit_ms:
        return interval, ()
    return interval, (f"the timestamps are {steps.min():g} to {steps.max():g} ms apart; {interval:g} ms are used",)


def _sensor(name: str) -> tuple[str, str]:
    """Name and units of a column such as `accX (m/s2)`."""
    found = UNIT_OF_SENSOR.fullmatch(name)
    return (found["name"], found["units"]) if found else (name, NO_UNITS)
