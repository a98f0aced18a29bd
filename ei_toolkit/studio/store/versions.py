"""Versions: saved states of a project, each a document with the rows of its tables. Recordings are kept, not copied."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.store.artifacts import PREDICTIONS
from ei_toolkit.studio.store.database import Database, Row
from ei_toolkit.studio.store.samples import DeletedContent
from ei_toolkit.studio.wire_format import now

State = Mapping[str, Any]
"""`settings` and `description` of a project, and the rows of `TABLES`, of `samples` and of `originals`."""
TABLES = ("impulses", "block_configs", "models", "features", "results")
OF_SAMPLES = ("features", "results")  # tables with ids of samples: another project computes them again
RESULTS = ("classify", "data-explorer")  # kinds of results that belong to the state
COLUMNS = "id, project, version, description, samples, training_accuracy, test_accuracy, created"


@dataclass(frozen=True)
class Version:
    """A saved state; accuracies are of the first learn block when it was saved, None if there was no such figure."""

    id: int
    project: int
    version: int
    description: str
    samples: int
    training_accuracy: float | None
    test_accuracy: float | None
    created: str


class Versions:
    """The tables `versions` and `version_recordings`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def all(self, project: int) -> list[Version]:
        """Return the versions of a project, the newest first."""
        sql = f"SELECT {COLUMNS} FROM versions WHERE project = ? ORDER BY version DESC"
        return [Version(**dict(row)) for row in self.database.all(sql, (project,))]

    def get(self, project: int, version: int) -> Version:
        """Return the version with an id. Raises ApiError if it does not exist."""
        sql = f"SELECT {COLUMNS} FROM versions WHERE project = ? AND id = ?"
        row = self.database.one(sql, (project, version))
        if row is None:
            raise ApiError(f"No version with this ID found ({version})")
        return Version(**dict(row))

    def next_number(self, project: int) -> int:
        """Return the number of the next version."""
        row = self.database.one("SELECT coalesce(MAX(version), 0) + 1 FROM versions WHERE project = ?", (project,))
        return int(row[0]) if row else 1

    def save(
        self, project: int, description: str, accuracies: tuple[float | None, float | None], put: Callable[[bytes], str]
    ) -> Version:
        """Save the state of a project; `put` stores the document as a blob and returns its digest."""
        with self.database.write() as connection:
            state = _read(connection, project)
            blob = put(gzip.compress(json.dumps(state).encode("utf-8", "surrogatepass"), 6, mtime=0))
            number = connection.execute(
                "SELECT coalesce(MAX(version), 0) + 1 FROM versions WHERE project = ?", (project,)
            ).fetchone()[0]
            cursor = connection.execute(
                "INSERT INTO versions (project, version, description, blob, files, samples, training_accuracy,"
                " test_accuracy, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    project,
                    number,
                    description,
                    blob,
                    json.dumps(_files(state)),
                    len(state["samples"]),
                    *accuracies,
                    now(),
                ),
            )
            for table in (
                "samples WHERE project = ?2",
                "originals WHERE sample IN (SELECT id FROM samples WHERE project = ?2)",
            ):
                connection.execute(
                    "INSERT INTO version_recordings (version, sha256, pack, start, size)"
                    f" SELECT ?1, sha256, pack, start, size FROM {table}",
                    (cursor.lastrowid, project),
                )
        return self.get(project, int(cursor.lastrowid or 0))

    def describe(self, project: int, version: int, description: str) -> None:
        """Change the description of a version."""
        self.get(project, version)
        self.database.run("UPDATE versions SET description = ? WHERE id = ?", (description, version))

    def delete(self, project: int, version: int) -> DeletedContent:
        """Delete a version; return which content is to be deleted if nothing else refers to it."""
        self.get(project, version)
        with self.database.write() as connection:
            sql = "SELECT DISTINCT sha256, pack FROM version_recordings WHERE version = ?"
            recordings = connection.execute(sql, (version,)).fetchall()
            connection.execute("DELETE FROM versions WHERE id = ?", (version,))
            needed = "SELECT 1 FROM recordings WHERE sha256 = ? AND pack IS NULL LIMIT 1"
            blobs = {row[0] for row in recordings if row[1] is None}
            blobs = {digest for digest in blobs if connection.execute(needed, (digest,)).fetchone() is None}
        return DeletedContent(frozenset(blobs), frozenset(row[1] for row in recordings if row[1] is not None))

    def restore(self, source: Version, target: int, read: Callable[[str], bytes]) -> int:
        """Replace the state of a project by a version, of this project or of another; return the number of samples.

        `read` returns the bytes of a blob. Another project gets new samples, without features and results.
        """
        row = self.database.one("SELECT blob FROM versions WHERE id = ?", (source.id,))
        if row is None:
            raise ApiError(f"Version {source.version} was deleted in the meantime")
        state: State = json.loads(gzip.decompress(read(row[0])).decode("utf-8", "surrogatepass"))
        with self.database.write() as connection:
            _clear(connection, target)
            connection.execute(
                "UPDATE projects SET settings = ?, description = ?, modified = ?,"
                " next_block = MAX(next_block, ?) WHERE id = ?",
                (state["settings"], state["description"], now(), state["next_block"], target),
            )
            is_own = source.project == target
            for table in TABLES:
                if is_own or table not in OF_SAMPLES:
                    _insert(connection, table, target, (_without_predictions(one, is_own) for one in state[table]))
            _insert_samples(connection, target, state, is_own)
        return len(state["samples"])


def _read(connection: Connection, project: int) -> dict[str, Any]:
    own = connection.execute(
        "SELECT settings, description, next_block FROM projects WHERE id = ?", (project,)
    ).fetchone()
    if own is None:
        raise ApiError("No project with this ID found")
    state: dict[str, Any] = dict(own)
    for table in (*TABLES, "samples"):
        rows = connection.execute(f"SELECT * FROM {table} WHERE project = ? ORDER BY rowid", (project,))
        state[table] = [_plain(row) for row in rows]
    state["results"] = [one for one in state["results"] if one["kind"] in RESULTS]
    sql = "SELECT originals.* FROM originals JOIN samples ON samples.id = sample WHERE project = ?"
    state["originals"] = [dict(row) for row in connection.execute(sql, (project,))]
    return state


def _plain(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in row.keys() if name != "project"}  # noqa: SIM118 - a Row iterates over values


def _files(state: State) -> list[str]:
    """Return the digests of the blobs that a state refers to."""
    models = (digest for one in state["models"] for digest in json.loads(one["files"]).values())
    features = (one[name] for one in state["features"] for name in ("x", "y"))
    return sorted({*models, *features, *(one["blob"] for one in state["results"])})


def _clear(connection: Connection, project: int) -> None:
    """Delete what a restored state replaces."""
    for table in (*TABLES, "samples"):
        kinds = f" AND kind IN {RESULTS}" if table == "results" else ""
        connection.execute(f"DELETE FROM {table} WHERE project = ?{kinds}", (project,))


def _without_predictions(row: Mapping[str, Any], is_own: bool) -> Mapping[str, Any]:
    """Return a row of a table; that of a model for another project has no predictions, which name samples by id."""
    if is_own or "files" not in row:
        return row
    files = {name: digest for name, digest in json.loads(row["files"]).items() if name != PREDICTIONS}
    return {**row, "files": json.dumps(files)}


def _insert(connection: Connection, table: str, project: int, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        names = ", ".join(("project", *row))
        marks = ", ".join("?" * (len(row) + 1))
        connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", (project, *row.values()))


def _insert_samples(connection: Connection, project: int, state: State, keep_ids: bool) -> None:
    originals = {one["sample"]: one for one in state["originals"]}
    for row in state["samples"]:
        columns = row if keep_ids else {name: value for name, value in row.items() if name != "id"}
        sql = f"INSERT INTO samples ({', '.join(('project', *columns))}) VALUES ({', '.join('?' * (len(columns) + 1))})"
        id_ = connection.execute(sql, (project, *columns.values())).lastrowid
        if row["id"] in originals:
            original = {**originals[row["id"]], "sample": id_}
            names: Sequence[str] = list(original)
            marks = ", ".join("?" * len(names))
            connection.execute(
                f"INSERT INTO originals ({', '.join(names)}) VALUES ({marks})", tuple(original[name] for name in names)
            )
