"""Jobs: what was requested, their state and their outcome. The logs are files (`studio.jobs.process.JobLog`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.store.database import Database, Row
from ei_toolkit.studio.wire_format import now

State = Literal["queued", "running", "finished"]
ACTIVE = "state IN ('queued', 'running')"


@dataclass(frozen=True)
class Job:
    """One job. `kind` selects the function that runs (`studio.jobs.task.KINDS`); `key` identifies what it works on.

    At most one job of a key is queued or running.
    """

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
    """The table `jobs`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, project: int, kind: str, key: str, category: str, spec: Mapping[str, Any]) -> Job:
        """Queue a job. Raises ApiError while another job of the same key is queued or running."""
        with self.database.write() as connection:
            busy = connection.execute(
                f"SELECT id FROM jobs WHERE project = ? AND key = ? AND {ACTIVE}", (project, key)
            ).fetchone()
            if busy:
                raise ApiError(f"Another job for {key} is queued or running already (job ID: {busy[0]})")
            cursor = connection.execute(
                "INSERT INTO jobs (project, kind, key, category, spec, state, created)"
                " VALUES (?, ?, ?, ?, ?, 'queued', ?)",
                (project, kind, key, category, json.dumps(spec), now()),
            )
        return self.get(project, int(cursor.lastrowid or 0))

    def get(self, project: int, job: int) -> Job:
        """Return one job of a project. Raises ApiError if it does not exist."""
        row = self.database.one(f"SELECT {COLUMNS} FROM jobs WHERE id = ? AND project = ?", (job, project))
        if row is None:
            raise ApiError("No job with this ID found")
        return _job(row)

    def by_id(self, job: int) -> Job:
        """Return one job of any project, for the job process. Raises ApiError if it does not exist."""
        row = self.database.one(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", (job,))
        if row is None:
            raise ApiError("No job with this ID found")
        return _job(row)

    def page(
        self, project: int, *, active: bool | None, limit: int = 0, offset: int = 0,
        since: str = "", until: str = "9999", key: str | None = None,
    ) -> tuple[list[Job], int]:  # fmt: skip
        """Return a page of jobs, newest first, and the number of all that match. Limit 0 means all."""
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
        """Return the queued jobs of all projects, oldest first."""
        return [
            _job(row) for row in self.database.all(f"SELECT {COLUMNS} FROM jobs WHERE state = 'queued' ORDER BY id")
        ]

    def running(self) -> list[Job]:
        """Return the running jobs of all projects."""
        return [_job(row) for row in self.database.all(f"SELECT {COLUMNS} FROM jobs WHERE state = 'running'")]

    def start(self, job: int) -> bool:
        """Mark a queued job as running; return False if it was cancelled in the meantime."""
        sql = "UPDATE jobs SET state = 'running', started = ? WHERE id = ? AND state = 'queued'"
        return bool(self.database.run(sql, (now(), job)))

    def finish_queued(self, job: int, reason: str) -> bool:
        """Mark a queued job as failed; return False if it was started in the meantime."""
        done = "state = 'finished', success = 0, reason = ?, finished = ?"
        sql = f"UPDATE jobs SET {done} WHERE id = ? AND state = 'queued'"
        return bool(self.database.run(sql, (reason, now(), job)))

    def finish(self, job: int, *, success: bool, reason: str = "", seconds: float | None = None) -> bool:
        """Mark a job as finished; return False if it was finished before."""
        sql = (
            "UPDATE jobs SET state = 'finished', success = ?, reason = ?, seconds = ?, finished = ?"
            " WHERE id = ? AND state != 'finished'"
        )
        return bool(self.database.run(sql, (int(success), reason, seconds, now(), job)))
