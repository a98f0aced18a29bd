"""The uploaded recordings of samples that were cropped, or cut from a longer sample: they can be restored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from sqlite3 import Connection
from typing import Any

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.store.database import Database
from ei_toolkit.studio.store.samples import DeletedContent, Sample, SampleFormat, insert_copy
from ei_toolkit.studio.wire_format import now


@dataclass(frozen=True)
class Recording:
    """Stored bytes, and how many values they have."""

    sha256: str
    pack: str | None
    start: int
    size: int
    format: SampleFormat
    suffix: str
    values_count: int


@dataclass(frozen=True)
class Original:
    """The uploaded recording of a sample, and the index in it of the sample's first value."""

    recording: Recording
    first_value: int


@dataclass(frozen=True)
class Part:
    """A part of an original: its content, where it begins, and the labelled ranges in it."""

    content: Recording
    first_value: int
    label: str
    structured_labels: Sequence[Mapping[str, Any]] | None = None


RECORDING = ("sha256", "pack", "start", "size", "format", "suffix", "values_count")


def recording_of(sample: Sample) -> Recording:
    """Return the current content of a sample."""
    return Recording(**{name: getattr(sample, name) for name in RECORDING})


class Originals:
    """The table `originals`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def of(self, sample: Sample) -> Original:
        """Return the uploaded recording of a sample: its own content if it was not cropped."""
        sql = f"SELECT {', '.join(RECORDING)}, first_value FROM originals WHERE sample = ?"
        row = self.database.one(sql, (sample.id,)) if sample.is_cropped else None
        if row is None:
            return Original(recording_of(sample), 0)
        return Original(Recording(**{name: row[name] for name in RECORDING}), row["first_value"])

    def crop(self, sample: Sample, original: Original, part: Part) -> DeletedContent:
        """Replace the content of a sample by a part of its original; return which content is not needed any more."""
        with self.database.write() as connection:
            _require_unchanged(connection, sample)
            _set_content(connection, sample, part)
            _keep_original(connection, sample.id, original.recording, part)
        return _replaced(sample)

    def segment(self, sample: Sample, original: Original, parts: Sequence[tuple[str, Part]]) -> list[int]:
        """Replace a sample by parts of its original, each with a file name; return the ids of the new samples."""
        with self.database.write() as connection:
            _require_unchanged(connection, sample)
            ids = []
            for filename, part in parts:
                id_ = insert_copy(connection, sample, filename)
                _set_content(connection, sample, part, id_)
                _keep_original(connection, id_, original.recording, part)
                ids.append(id_)
            connection.execute("DELETE FROM samples WHERE id = ?", (sample.id,))
        return ids


def _require_unchanged(connection: Connection, sample: Sample) -> None:
    """Raise ApiError if a sample was deleted or cropped since it was read."""
    row = connection.execute("SELECT sha256 FROM samples WHERE id = ?", (sample.id,)).fetchone()
    if row is None or row[0] != sample.sha256:
        raise ApiError(f"Sample {sample.id} was deleted or cropped in the meantime: read it again, then try again")


def _set_content(connection: Connection, sample: Sample, part: Part, id_: int | None = None) -> None:
    labels = None if part.structured_labels is None else json.dumps(list(part.structured_labels))
    columns = {
        **asdict(part.content),
        "label": part.label,
        "length_ms": part.content.values_count * sample.interval_ms,
        "structured_labels": labels,
        "modified": now(),
    }
    assignments = ", ".join(f"{column} = ?" for column in columns)
    connection.execute(f"UPDATE samples SET {assignments} WHERE id = ?", (*columns.values(), id_ or sample.id))


def _keep_original(connection: Connection, sample: int, recording: Recording, part: Part) -> None:
    """Store the original of a part; if the part is the whole original, the sample is not cropped any more."""
    is_cropped = part.content != recording
    connection.execute("DELETE FROM originals WHERE sample = ?", (sample,))
    connection.execute("UPDATE samples SET is_cropped = ? WHERE id = ?", (int(is_cropped), sample))
    if is_cropped:
        sql = f"INSERT INTO originals (sample, first_value, {', '.join(RECORDING)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        values = asdict(recording)
        connection.execute(sql, (sample, part.first_value, *(values[name] for name in RECORDING)))


def _replaced(sample: Sample) -> DeletedContent:
    """Return the former content of a cropped sample. That of a sample that was not cropped is its original."""
    packs = frozenset({sample.pack}) if sample.is_cropped and sample.pack else frozenset()
    return DeletedContent(frozenset(), packs)
