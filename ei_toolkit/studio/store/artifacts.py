"""What jobs made: features, models, results, deployments. Rows here; the bytes are blobs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.parameters import now
from ei_toolkit.studio.store.database import Database, Row


@dataclass(frozen=True)
class Features:
    """Features of a processing block: `x` and `y` are blobs in NumPy's .npy form."""

    block: int
    category: str
    x: str
    y: str
    summary: Mapping[str, Any]
    created: str


@dataclass(frozen=True)
class Model:
    """A trained learn block: blobs by file name, and what the training said."""

    block: int
    files: Mapping[str, str]
    summary: Mapping[str, Any]
    created: str


@dataclass(frozen=True)
class Deployment:
    """A built library."""

    version: int
    impulse: int
    impulse_name: str
    format: str
    engine: str
    model_type: str
    filename: str
    blob: str
    fingerprint: str
    info: Mapping[str, Any]
    created: str


def _deployment(row: Row) -> Deployment:
    values = {key: row[key] for key in row.keys() if key != "project"}  # noqa: SIM118 - a Row iterates over values
    return Deployment(**{**values, "info": json.loads(row["info"])})


class Artifacts:
    """The tables of what jobs made."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def features(self, project: int, block: int, category: str = "training") -> Features | None:
        """Features of a block, if they were generated."""
        sql = "SELECT * FROM features WHERE project = ? AND block = ? AND category = ?"
        row = self.database.one(sql, (project, block, category))
        if row is None:
            return None
        return Features(block, category, row["x"], row["y"], json.loads(row["summary"]), row["created"])

    def put_features(self, project: int, features: Features) -> None:
        """Store or replace features. Rejected for a block that was deleted meanwhile."""
        self._put_of_block(
            "dspBlocks",
            "INSERT OR REPLACE INTO features (project, block, category, x, y, summary, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (project, features.block, features.category, features.x, features.y, json.dumps(features.summary), now()),
        )

    def clear_features(self, project: int, block: int) -> None:
        """Forget the features of a block."""
        self.database.run("DELETE FROM features WHERE project = ? AND block = ?", (project, block))

    def model(self, project: int, block: int) -> Model | None:
        """The trained model of a learn block."""
        row = self.database.one("SELECT * FROM models WHERE project = ? AND block = ?", (project, block))
        if row is None:
            return None
        return Model(block, json.loads(row["files"]), json.loads(row["summary"]), row["created"])

    def put_model(self, project: int, block: int, files: Mapping[str, str], summary: Mapping[str, Any]) -> None:
        """Store or replace a model. Rejected for a block that was deleted meanwhile."""
        self._put_of_block(
            "learnBlocks",
            "INSERT OR REPLACE INTO models (project, block, files, summary, created) VALUES (?, ?, ?, ?, ?)",
            (project, block, json.dumps(files), json.dumps(summary), now()),
        )

    def _put_of_block(self, kind: str, sql: str, values: Sequence[Any]) -> None:
        """One statement whose first values are project and block, in one transaction with a look at the block."""
        known = (
            "SELECT 1 FROM impulses, json_each(document, ?) AS block"
            " WHERE project = ? AND json_extract(block.value, '$.id') = ?"
        )
        with self.database.write() as connection:
            if connection.execute(known, (f"$.{kind}", *values[:2])).fetchone() is None:
                raise ApiError(f"Block {values[1]} was deleted meanwhile: there is nothing to keep this for")
            connection.execute(sql, values)

    def copy(self, project: int, source: int, target: int) -> None:
        """Give a block what was made for another one; the blobs are shared."""
        columns = {"features": "category, x, y, summary, created", "models": "files, summary, created"}
        with self.database.write() as connection:
            for table, copied in columns.items():
                connection.execute(
                    f"INSERT OR REPLACE INTO {table} (project, block, {copied})"
                    f" SELECT project, ?, {copied} FROM {table} WHERE project = ? AND block = ?",
                    (target, project, source),
                )

    def result(self, project: int, kind: str, subject: int, variant: str = "") -> str | None:
        """The blob of a result: the last one of its kind for a subject (impulse, block or job) and variant."""
        sql = "SELECT blob FROM results WHERE project = ? AND kind = ? AND subject = ? AND variant = ?"
        row = self.database.one(sql, (project, kind, subject, variant))
        return str(row[0]) if row else None

    def put_result(self, project: int, kind: str, subject: int, blob: str, variant: str = "") -> None:
        """Store or replace a result."""
        self.database.run(
            "INSERT OR REPLACE INTO results (project, kind, subject, variant, blob, created) VALUES (?, ?, ?, ?, ?, ?)",
            (project, kind, subject, variant, blob, now()),
        )

    def clear_results(self, project: int, kind: str, subject: int) -> None:
        """Forget the results of a kind."""
        sql = "DELETE FROM results WHERE project = ? AND kind = ? AND subject = ?"
        self.database.run(sql, (project, kind, subject))

    def add_deployment(self, project: int, deployment: Deployment) -> None:
        """Store a deployment; its version was reserved when the job was started."""
        self.database.run(
            "INSERT INTO deployments (project, version, impulse, impulse_name, format, engine, model_type, filename,"
            " blob, fingerprint, info, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                project, deployment.version, deployment.impulse, deployment.impulse_name, deployment.format,
                deployment.engine, deployment.model_type, deployment.filename, deployment.blob,
                deployment.fingerprint, json.dumps(deployment.info), deployment.created,
            ),
        )  # fmt: skip

    def deployments(self, project: int, **equal: Any) -> list[Deployment]:
        """Deployments whose columns equal what is given (None: any), newest first."""
        given = {column: value for column, value in equal.items() if value is not None}
        where = "".join(f" AND {column} = ?" for column in given)
        sql = f"SELECT * FROM deployments WHERE project = ?{where} ORDER BY version DESC"
        return [_deployment(row) for row in self.database.all(sql, (project, *given.values()))]

    def deployment(self, project: int, version: int) -> Deployment:
        """One deployment."""
        found = self.deployments(project, version=version)
        if not found:
            raise ApiError(f"No deployment with version {version} found")
        return found[0]
