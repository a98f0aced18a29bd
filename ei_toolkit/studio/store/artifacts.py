"""The results of jobs: features, models, test results and deployments. The rows refer to blobs by their SHA-256."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.store.database import Database, Row
from ei_toolkit.studio.wire_format import now


@dataclass(frozen=True)
class Features:
    """Features of a processing block. `x` and `y` are the digests of blobs in NumPy's .npy format."""

    block: int
    category: str
    x: str
    y: str
    summary: Mapping[str, Any]
    created: str


PREDICTIONS = "validation-predictions"
"""Name of the file of a model with `windows`, rows of sample id, start and end in ms and label, and `predicted`, the
indices of the predicted labels of these windows by model variant. Models of older versions have no such file."""


@dataclass(frozen=True)
class Model:
    """A trained learn block: digests of blobs by file name, and the summary of the training."""

    block: int
    files: Mapping[str, str]
    summary: Mapping[str, Any]
    created: str


@dataclass(frozen=True)
class Deployment:
    """A library that was built, and what it was built from."""

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
    """The tables `features`, `models`, `results` and `deployments`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def features(self, project: int, block: int, category: str = "training") -> Features | None:
        """Return the features of a block; None if they were not generated."""
        sql = "SELECT * FROM features WHERE project = ? AND block = ? AND category = ?"
        row = self.database.one(sql, (project, block, category))
        if row is None:
            return None
        return Features(block, category, row["x"], row["y"], json.loads(row["summary"]), row["created"])

    def put_features(self, project: int, features: Features) -> None:
        """Store or replace features. Raises ApiError if the block was deleted in the meantime."""
        self._put_of_block(
            "dspBlocks",
            "INSERT OR REPLACE INTO features (project, block, category, x, y, summary, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (project, features.block, features.category, features.x, features.y, json.dumps(features.summary), now()),
        )

    def clear_features(self, project: int, block: int) -> None:
        """Delete the features of a block."""
        self.database.run("DELETE FROM features WHERE project = ? AND block = ?", (project, block))

    def model(self, project: int, block: int) -> Model | None:
        """Return the trained model of a learn block; None if it is not trained."""
        row = self.database.one("SELECT * FROM models WHERE project = ? AND block = ?", (project, block))
        if row is None:
            return None
        return Model(block, json.loads(row["files"]), json.loads(row["summary"]), row["created"])

    def put_model(self, project: int, block: int, files: Mapping[str, str], summary: Mapping[str, Any]) -> None:
        """Store or replace a model. Raises ApiError if the block was deleted in the meantime."""
        self._put_of_block(
            "learnBlocks",
            "INSERT OR REPLACE INTO models (project, block, files, summary, created) VALUES (?, ?, ?, ?, ?)",
            (project, block, json.dumps(files), json.dumps(summary), now()),
        )

    def _put_of_block(self, kind: str, sql: str, values: Sequence[Any]) -> None:
        """Run a statement whose first two values are project and block. Raises ApiError if the block does not exist."""
        block_exists = (
            "SELECT 1 FROM impulses, json_each(document, ?) AS block"
            " WHERE project = ? AND json_extract(block.value, '$.id') = ?"
        )
        with self.database.write() as connection:
            if connection.execute(block_exists, (f"$.{kind}", *values[:2])).fetchone() is None:
                raise ApiError(f"Block {values[1]} was deleted in the meantime; its results were not stored")
            connection.execute(sql, values)

    def copy(self, project: int, source: int, target: int) -> None:
        """Copy the features and the model of a block to another block. Both rows refer to the same blobs."""
        columns = {"features": "category, x, y, summary, created", "models": "files, summary, created"}
        with self.database.write() as connection:
            for table, copied in columns.items():
                connection.execute(
                    f"INSERT OR REPLACE INTO {table} (project, block, {copied})"
                    f" SELECT project, ?, {copied} FROM {table} WHERE project = ? AND block = ?",
                    (target, project, source),
                )

    def result(self, project: int, kind: str, subject: int, variant: str = "") -> str | None:
        """Return the digest of the newest result of a kind for a subject (impulse, block or job) and a variant."""
        sql = "SELECT blob FROM results WHERE project = ? AND kind = ? AND subject = ? AND variant = ?"
        row = self.database.one(sql, (project, kind, subject, variant))
        return str(row[0]) if row else None

    def put_result(self, project: int, kind: str, subject: int, blob: str, variant: str = "") -> None:
        """Store or replace a result. `blob` is the digest of its content."""
        self.database.run(
            "INSERT OR REPLACE INTO results (project, kind, subject, variant, blob, created) VALUES (?, ?, ?, ?, ?, ?)",
            (project, kind, subject, variant, blob, now()),
        )

    def clear_results(self, project: int, kind: str, subject: int) -> None:
        """Delete the results of a kind for a subject, of every variant."""
        sql = "DELETE FROM results WHERE project = ? AND kind = ? AND subject = ?"
        self.database.run(sql, (project, kind, subject))

    def add_deployment(self, project: int, deployment: Deployment) -> None:
        """Store a deployment. Its version was reserved when the job was queued."""
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
        """Return the deployments whose columns equal the given values (None: any value), newest first."""
        given = {column: value for column, value in equal.items() if value is not None}
        where = "".join(f" AND {column} = ?" for column in given)
        sql = f"SELECT * FROM deployments WHERE project = ?{where} ORDER BY version DESC"
        return [_deployment(row) for row in self.database.all(sql, (project, *given.values()))]

    def deployment(self, project: int, version: int) -> Deployment:
        """Return one deployment. Raises ApiError if it does not exist."""
        found = self.deployments(project, version=version)
        if not found:
            raise ApiError(f"No deployment with version {version} found")
        return found[0]
