"""Jobs: what was asked, and how it went. Their logs are files (`jobs/log.py`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.parameters import now
from ei_toolkit.studio.store.database import Database, Row

State = Literal["queued", "running", "finished"]
ACTIVE = "state IN ('queued', 'running')"


@dataclass(frozen=True)
class Job:
    """One job. `kind` names the work, `key` what it works on; two jobs of one key never wait together."""

    id: int
    project: int
    kind: str
    key: str
    category: str
    spec: Mapping[str, Any]
    state: State
    success: bool | None
    reason: str
    created: str
    started: str | None
    finished: str | None
    seconds: float | None


COLUMNS = ", ".join(field.name for field in fields(Job))


def _job(row: Row) -> Job:
    values = {**dict(row), "spec": json.loads(row["spec"])}
    values["success"] = None if row["success"] is None else bool(row["success"])
    return Job(**values)


class Jobs:
    """The table of jobs."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, project: int, kind: str, key: str, category: str, spec: Mapping[str, Any]) -> Job:
        """Queue a job; refused while another one of the same key is queued or running."""
        with self.database.write() as connection:
            busy = connection.execute(
                f"SELECT id FROM jobs WHERE project = ? AND key = ? AND {ACTIVE}", (project, key)
            ).fetchone()
            if busy:
                raise ApiError(f"Another job is running for this already (job ID: {busy[0]})")
            cursor = connection.execute(
                "INSERT INTO jobs (project, kind, key, category, spec, state, created)"
                " VALUES (?, ?, ?, ?, ?, 'queued', ?)",
                (project, kind, key, category, json.dumps(spec), now()),
            )
        return self.get(project, int(cursor.lastrowid or 0))

    def get(self, project: int, job: int) -> Job:
        """One job."""
        row = self.database.one(f"SELECT {COLUMNS} FROM jobs WHERE id = ? AND project = ?", (job, project))
        if row is None:
            raise ApiError("No job with this ID found")
        return _job(row)

    def by_id(self, job: int) -> Job:
        """One job of any project; for the job process."""
        row = self.database.one(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", (job,))
        if row is None:
            raise ApiError("No job with this ID found")
        return _job(row)

    def page(
        self, project: int, *, active: bool | None, limit: int = 0, offset: int = 0,
        since: str = "", until: str = "9999", key: str | None = None,
    ) -> tuple[list[Job], int]:  # fmt: skip
        """A page of jobs, newest first, and how many there are in all."""
        where = "project = ? AND created >= ? AND created <= ?"
        values: list[Any] = [project, since, until]
        if active is not None:
            where += f" AND {ACTIVE}" if active else " AND state = 'finished'"
        if key is not None:
            where, values = f"{where} AND key = ?", [*values, key]
        total = self.database.one(f"SELECT COUNT(*) FROM jobs WHERE {where}", values)
        rows = self.database.all(
            f"SELECT {COLUMNS} FROM jobs WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?",
            (*values, limit or -1, offset),
        )
        return [_job(row) for row in rows], int(total[0]) if total else 0

    def queued(self) -> list[Job]:
        """Jobs that wait, oldest first."""
        return [
            _job(row) for row in self.database.all(f"SELECT {COLUMNS} FROM jobs WHERE state = 'queued' ORDER BY id")
        ]

    def running(self) -> list[Job]:
        """Jobs that run."""
        return [_job(row) for row in self.database.all(f"SELECT {COLUMNS} FROM jobs WHERE state = 'running'")]

    def start(self, job: int) -> bool:
        """Mark a queued job as running; False if it was cancelled meanwhile."""
        sql = "UPDATE jobs SET state = 'running', started = ? WHERE id = ? AND state = 'queued'"
        return bool(self.database.run(sql, (now(), job)))

    def finish_queued(self, job: int, reason: str) -> bool:
        """Mark a job that never started as failed; False if it has started meanwhile."""
        done = "state = 'finished', success = 0, reason = ?, finished = ?"
        sql = f"UPDATE jobs SET {done} WHERE id = ? AND state = 'queued'"
        return bool(self.database.run(sql, (reason, now(), job)))

    def finish(self, job: int, *, success: bool, reason: str = "", seconds: float | None = None) -> bool:
        """Mark a job as finished; False if it was already."""
        sql = (
            "UPDATE jobs SET state = 'finished', success = ?, reason = ?, seconds = ?, finished = ?"
            " WHERE id = ? AND state != 'finished'"
        )
        return bool(self.database.run(sql, (int(success), reason, seconds, now(), job)))
