"""Samples: one row for each. Their content is in packs."""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from sqlite3 import Connection
from typing import Any, Literal, get_args

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.store.database import Database, Row
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.store.sample_queries import resolve
from ei_toolkit.studio.wire_format import now

Category = Literal["training", "testing", "validation", "anomaly", "post-processing"]
CATEGORIES: tuple[Category, ...] = get_args(Category)
UploadCategory = Literal[Category, "split"]
"""Category of an upload; the hash of a file's content decides between training and testing for `split`."""
SampleFormat = Literal["wav", "json", "cbor", "csv"]
LabelType = Literal["label", "unlabeled", "multi-label"]
READ_AT_ONCE = 10_000  # samples
CHOSEN = "id IN (SELECT value FROM json_each(?))"
"""One statement for many samples: `sample_names` is written to the disk with each statement that changes it."""
ORIGINALS_OF = (
    "SELECT originals.sha256, originals.pack FROM originals JOIN samples ON samples.id = sample"
    " WHERE project = ? AND sample IN (SELECT value FROM json_each(?))"
)
NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class NewSample:
    """An uploaded sample whose content is complete on disk."""

    category: Category
    filename: str
    suffix: str
    label: str
    label_type: LabelType
    sha256: str
    format: SampleFormat
    interval_ms: float
    sensors: Sequence[tuple[str, str]]
    values_count: int
    structured_labels: Sequence[Mapping[str, Any]] | None = None
    metadata: Mapping[str, str] | None = None
    device_name: str | None = None
    device_type: str = ""
    source: str = ""
    pack: str | None = None
    start: int = 0
    size: int = -1
    signature_valid: bool = True

    @property
    def length_ms(self) -> float:
        """Duration in ms."""
        return self.values_count * self.interval_ms


@dataclass(frozen=True, slots=True)
class Sample:
    """A stored sample."""

    id: int
    project: int
    category: Category
    filename: str
    suffix: str
    label: str
    label_type: LabelType
    structured_labels: tuple[Mapping[str, Any], ...] | None
    metadata: Mapping[str, str]
    sha256: str
    format: SampleFormat
    interval_ms: float
    sensors: tuple[tuple[str, str], ...]
    values_count: int
    length_ms: float
    device_name: str | None
    device_type: str
    source: str
    disabled: bool
    created: str
    modified: str
    pack: str | None
    start: int
    size: int
    signature_valid: bool = True
    is_cropped: bool = False

    @property
    def frequency(self) -> float:
        """Samples per second."""
        return 1000.0 / self.interval_ms if self.interval_ms else 0.0


REPEATED = (
    "category", "suffix", "label", "label_type", "format", "device_name", "device_type", "source", "created",
    "modified", "pack",
)  # fmt: skip
"""Columns whose texts many samples have in common."""


def _sample(row: Row) -> Sample:
    values = dict(row)
    labels = values["structured_labels"]
    values["structured_labels"] = tuple(json.loads(labels)) if labels else None
    values["metadata"] = {_shared(key): _shared(value) for key, value in json.loads(values["metadata"]).items()}
    values["sensors"] = _sensors(values["sensors"])
    for column in REPEATED:
        values[column] = _shared(values[column])
    for flag in ("disabled", "signature_valid", "is_cropped"):
        values[flag] = bool(values[flag])
    return Sample(**values)


def _shared(value: Any) -> Any:
    """Return one object for equal texts: a list of many samples then takes less than half of the memory."""
    return sys.intern(value) if isinstance(value, str) else value


@lru_cache
def _sensors(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, units) for name, units in json.loads(text))


@dataclass(frozen=True)
class DataSummary:
    """Number, duration and labels of the samples of one category."""

    count: int = 0
    length_ms: float = 0.0
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Duplicate:
    """The result for a sample that was not stored: the ids of the samples with the same content."""

    ids: tuple[int, ...]


@dataclass(frozen=True)
class DeletedContent:
    """Digests of blobs that no sample refers to after a deletion, and names of packs that held deleted samples."""

    blobs: frozenset[str]
    packs: frozenset[str]


class Samples:
    """The table `samples`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def get(self, project: int, sample: int) -> Sample:
        """Return one sample. Raises ApiError if it does not exist."""
        row = self.database.one("SELECT * FROM samples WHERE id = ? AND project = ?", (sample, project))
        if row is None:
            raise ApiError("No sample with this ID found")
        return _sample(row)

    def select(self, sample_filter: SampleFilter) -> list[Sample]:
        """Return all samples that match a filter."""
        with self.database.read() as connection:
            return [_sample(row) for row in connection.execute(*resolve(connection, sample_filter).rows())]

    def page(self, sample_filter: SampleFilter, limit: int, offset: int = 0) -> tuple[list[Sample], int]:
        """Return a page of the samples that match a filter, and the number of all."""
        with self.database.read() as connection:
            query = resolve(connection, sample_filter)
            total: int = connection.execute(*query.count()).fetchone()[0]
            rows = connection.execute(*query.page(limit, offset, total)) if offset < total else []
            return [_sample(row) for row in rows], total

    def ids(self, sample_filter: SampleFilter) -> Sequence[int]:
        """Return the ids of all samples that match a filter, in its order."""
        with self.database.read() as connection:
            return array("q", (row[0] for row in connection.execute(*resolve(connection, sample_filter).ids())))

    def count(self, sample_filter: SampleFilter) -> int:
        """Return the number of samples that match a filter."""
        with self.database.read() as connection:
            return int(connection.execute(*resolve(connection, sample_filter).count()).fetchone()[0])

    def names(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the file names of samples by id, without those that do not exist."""
        sql = "SELECT id, filename FROM samples WHERE id IN (SELECT value FROM json_each(?))"
        return {row[0]: row[1] for row in self.database.all(sql, (json.dumps(list(ids)),))}

    def metadata_texts(self, sample_filter: SampleFilter) -> Iterator[Sequence[str]]:
        """Yield a JSON object with `id` and `metadata` for each sample that has metadata, many at a time."""
        ids = self.ids(sample_filter)
        sql = (
            "SELECT '{\"id\":' || samples.id || ',\"metadata\":' || metadata || '}' FROM json_each(?) AS chosen"
            " CROSS JOIN samples ON samples.id = chosen.value WHERE metadata != '{}'"
        )
        for start in range(0, len(ids), READ_AT_ONCE):
            rows = self.database.all(sql, (json.dumps(list(ids[start : start + READ_AT_ONCE])),))
            if rows:
                yield [row[0] for row in rows]

    def metadata_options(self, sample_filter: SampleFilter) -> dict[str, str]:
        """Return, by metadata key, the sorted values of the samples that match a filter, as text of a JSON list."""
        values: list[Any] = [sample_filter.project]
        chosen = "project = ?"
        if sample_filter.conditions:
            values.append(json.dumps(list(self.ids(sample_filter))))
            chosen += (
                " AND id IN (SELECT own.value FROM json_each(?) AS chosen"
                " CROSS JOIN sample_metadata AS own ON own.sample = chosen.value)"
            )
        elif sample_filter.category:
            values.append(sample_filter.category)
            chosen += " AND EXISTS (SELECT 1 FROM metadata_counts AS own WHERE own.value = id AND category = ?)"
        ordered = f"SELECT key, value FROM metadata_values WHERE {chosen} ORDER BY key, value"
        rows = self.database.all(f"SELECT key, json_group_array(value) FROM ({ordered}) GROUP BY key", values)
        return {row[0]: row[1] for row in rows}

    def labels(self, project: int, category: str | None = None) -> list[str]:
        """Return the sorted labels of the enabled samples. Unlabeled samples have none."""
        where, values = ("AND category = ?", (project, category)) if category else ("", (project,))
        sql = f"SELECT DISTINCT label, labels FROM sample_totals WHERE project = ? AND disabled = 0 {where}"
        return _label_names(self.database.all(sql, values))

    def summaries(self, project: int) -> dict[str, DataSummary]:
        """Return number, duration and labels of the samples of each category."""
        sql = (
            "SELECT label, labels, category, SUM(count), SUM(length_ns) FROM sample_totals WHERE project = ?"
            " GROUP BY category, label, labels"
        )
        found: dict[str, list[Row]] = {}
        for row in self.database.all(sql, (project,)):
            found.setdefault(row["category"], []).append(row)
        return {
            category: DataSummary(
                sum(row[3] for row in rows), sum(row[4] for row in rows) / NS_PER_MS, tuple(_label_names(rows))
            )
            for category, rows in found.items()
        }

    def axes(self, project: int) -> dict[str, int]:
        """Return the duration in ms of the training samples by axis."""
        sql = (
            "SELECT json_extract(axis.value, '$[0]'), SUM(length_ns) FROM sample_totals, json_each(sensors) AS axis"
            " WHERE project = ? AND category = 'training' GROUP BY 1"
        )
        return {row[0]: round(row[1] / NS_PER_MS) for row in self.database.all(sql, (project,))}

    def most_frequent_interval(self, project: int) -> float:
        """Return the most frequent sampling interval in ms; 0 without samples."""
        sql = "SELECT interval_ms FROM sample_totals WHERE project = ? GROUP BY 1 ORDER BY SUM(count) DESC LIMIT 1"
        row = self.database.one(sql, (project,))
        return float(row[0]) if row else 0.0

    def add(self, project: int, samples: Iterable[NewSample], *, unique: bool = False) -> tuple[int | Duplicate, ...]:
        """Store samples in one transaction. With `unique`, content that the project has already is skipped."""
        with self.database.write() as connection:
            created = now()
            return tuple(_add(connection, project, sample, unique, created) for sample in samples)

    def change(self, project: int, ids: Sequence[int], **columns: Any) -> int:
        """Set columns of some samples; return how many samples were found."""
        columns["modified"] = now()
        assignments = ", ".join(f"{column} = ?" for column in columns)
        sql = f"UPDATE samples SET {assignments} WHERE project = ? AND {CHOSEN}"
        return self.database.run(sql, (*columns.values(), project, json.dumps(list(ids))))

    def change_each(self, project: int, column: str, values: Mapping[int, str]) -> None:
        """Set one column of several samples, each to its own text, in one transaction."""
        self.database.run(
            f"UPDATE samples SET {column} = chosen.value, modified = ? FROM json_each(?) AS chosen"
            " WHERE project = ? AND samples.id = CAST(chosen.key AS INTEGER)",
            (now(), json.dumps(values), project),
        )

    def delete(self, project: int, ids: Sequence[int]) -> DeletedContent:
        """Delete the rows of samples; return which content is to be deleted after it."""
        with self.database.write() as connection:
            chosen = (project, json.dumps(list(ids)))
            deleted = set(map(tuple, connection.execute(ORIGINALS_OF, chosen)))  # deleted with the samples
            sql = f"DELETE FROM samples WHERE project = ? AND {CHOSEN} RETURNING sha256, pack"
            deleted |= set(map(tuple, connection.execute(sql, chosen).fetchall()))
            referenced = "SELECT 1 FROM recordings WHERE sha256 = ? AND pack IS NULL LIMIT 1"
            digests = {digest for digest, pack in deleted if pack is None}
            unreferenced = {
                digest for digest in digests if connection.execute(referenced, (digest,)).fetchone() is None
            }
        return DeletedContent(frozenset(unreferenced), frozenset(pack for _, pack in deleted if pack))

    def byte_ranges(self, pack: str) -> list[tuple[int, int]]:
        """Return (start, size) of every recording in a pack that is needed: of samples and of their originals."""
        sql = "SELECT start, size FROM recordings WHERE pack = ?"
        return [(row[0], row[1]) for row in self.database.all(sql, (pack,))]


def _label_names(rows: Iterable[Row]) -> list[str]:
    """Return the sorted labels of rows of `sample_totals`; those of ranges count instead of their joined text."""
    found: set[str] = set()
    for row in rows:
        found |= set(json.loads(row["labels"])) if row["labels"] else {row["label"]}
    return sorted(found - {""})


COLUMNS = (
    "project", "category", "filename", "suffix", "label", "label_type", "structured_labels", "metadata", "sha256",
    "format", "interval_ms", "sensors", "values_count", "length_ms", "device_name", "device_type", "source",
    "created", "modified", "pack", "start", "size", "signature_valid",
)  # fmt: skip
INSERT = f"INSERT INTO samples ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
COPIED = ", ".join((*(column for column in COLUMNS if column not in ("filename", "created")), "disabled"))


def insert_copy(connection: Connection, sample: Sample, filename: str) -> int:
    """Insert a copy of a row with another file name; return its id."""
    sql = f"INSERT INTO samples (filename, created, {COPIED}) SELECT ?, ?, {COPIED} FROM samples WHERE id = ?"
    return int(connection.execute(sql, (filename, now(), sample.id)).lastrowid or 0)


def _add(connection: Connection, project: int, sample: NewSample, unique: bool, created: str) -> int | Duplicate:
    if unique:
        sql = (
            "SELECT id FROM samples WHERE project = ?1 AND sha256 = ?2 UNION SELECT sample FROM originals"
            " JOIN samples ON samples.id = sample WHERE project = ?1 AND originals.sha256 = ?2 ORDER BY 1"
        )
        same = tuple(row[0] for row in connection.execute(sql, (project, sample.sha256)))
        if same:
            return Duplicate(same)
    return int(connection.execute(INSERT, _values(project, sample, created)).lastrowid or 0)


def _values(project: int, sample: NewSample, created: str) -> tuple[Any, ...]:
    labels = json.dumps(list(sample.structured_labels)) if sample.structured_labels is not None else None
    return (
        project, sample.category, sample.filename, sample.suffix, sample.label, sample.label_type, labels,
        json.dumps(dict(sample.metadata or {})), sample.sha256, sample.format, sample.interval_ms,
        json.dumps(list(sample.sensors)), sample.values_count, sample.length_ms, sample.device_name,
        sample.device_type, sample.source, created, created, sample.pack, sample.start, sample.size,
        sample.signature_valid,
    )  # fmt: skip
