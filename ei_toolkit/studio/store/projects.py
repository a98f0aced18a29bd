"""Projects: the settings and the id counters of each project."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.store.database import Database, Row
from ei_toolkit.studio.wire_format import now

LARGEST_BLOCK = 2**31 - 1


@dataclass(frozen=True)
class Project:
    """One project. `settings` holds what `POST /api/{projectId}` and its sub-paths set."""

    id: int
    name: str
    description: str
    hmac_key: str
    created: str
    modified: str
    settings: Mapping[str, Any]


def _project(row: Row) -> Project:
    return Project(
        row["id"], row["name"], row["description"], row["hmac_key"], row["created"], row["modified"],
        json.loads(row["settings"]),
    )  # fmt: skip


class Projects:
    """The table `projects`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def all(self) -> list[Project]:
        """Return every project, oldest first."""
        return [_project(row) for row in self.database.all("SELECT * FROM projects ORDER BY id")]

    def get(self, project: int) -> Project:
        """Return one project. Raises ApiError if it does not exist."""
        row = self.database.one("SELECT * FROM projects WHERE id = ?", (project,))
        if row is None:
            raise ApiError("No project with this ID found")
        return _project(row)

    def create(self, name: str) -> Project:
        """Create an empty project."""
        with self.database.write() as connection:
            cursor = connection.execute(
                "INSERT INTO projects (name, hmac_key, created, modified) VALUES (?, ?, ?, ?)",
                (name, secrets.token_hex(16), now(), now()),
            )
        return self.get(int(cursor.lastrowid or 0))

    def update(self, project: int, *, name: str, description: str, settings: Mapping[str, Any]) -> None:
        """Replace the name, description and settings."""
        self.database.run(
            "UPDATE projects SET name = ?, description = ?, settings = ?, modified = ? WHERE id = ?",
            (name, description, json.dumps(settings), now(), project),
        )

    def set(self, project: int, changes: Mapping[str, Any]) -> None:
        """Replace the given settings of a project and keep the others."""
        with self.database.exclusive():
            stored = self.get(project)
            settings = {**stored.settings, **changes}
            self.update(project, name=stored.name, description=stored.description, settings=settings)

    def delete(self, project: int) -> None:
        """Delete a project and everything that belongs to it."""
        self.database.run("DELETE FROM projects WHERE id = ?", (project,))

    def next_block(self, project: int) -> int:
        """Return an id that no block of this project has had. Raises ApiError if none is left."""
        block = self._count_up(project, "next_block")
        if block > LARGEST_BLOCK:
            raise ApiError(f"No block id is left in project {project}: a block had the largest id, {LARGEST_BLOCK}")
        return block

    def reserve_blocks(self, project: int, largest: int) -> None:
        """Exclude block ids up to `largest`, which a client chose itself, from `next_block`."""
        self.database.run("UPDATE projects SET next_block = MAX(next_block, ?) WHERE id = ?", (largest + 1, project))

    def next_deployment(self, project: int) -> int:
        """Reserve the version of the next deployment and return it."""
        return self._count_up(project, "next_deployment")

    def _count_up(self, project: int, column: str) -> int:
        with self.database.write() as connection:
            row = connection.execute(
                f"UPDATE projects SET {column} = {column} + 1 WHERE id = ? RETURNING {column} - 1", (project,)
            ).fetchone()
        if row is None:
            raise ApiError("No project with this ID found")
        return int(row[0])


def job_limit_s(projects: Projects, project: int, largest: float) -> float:
    """Return the longest duration of a job in s: `largest`, or the project's `jobLimitM` if that is less."""
    minutes = projects.get(project).settings.get("jobLimitM")
    return min(largest, float(minutes) * 60.0) if isinstance(minutes, int | float) and minutes > 0 else largest
