"""Impulses and the settings of their blocks, stored as the JSON documents that clients sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.store.database import Database, Row
from ei_toolkit.studio.wire_format import now


@dataclass(frozen=True)
class Impulse:
    """An impulse. `document` holds its input, processing and learn blocks in the form of Edge Impulse's API."""

    id: int
    project: int
    name: str
    document: Mapping[str, Any]
    created: str
    modified: str

    def blocks(self, kind: str) -> list[dict[str, Any]]:
        """Return the blocks of a kind: `inputBlocks`, `dspBlocks`, `learnBlocks` or `postProcessingBlocks`."""
        return list(self.document.get(kind) or [])

    @property
    def window(self) -> dict[str, Any]:
        """The first input block, which defines the windows. Raises ApiError if the impulse has none."""
        inputs = self.blocks("inputBlocks")
        if not inputs:
            raise ApiError("The impulse has no input block")
        return inputs[0]

    def block(self, kind: str, id_: int) -> dict[str, Any] | None:
        """Return the block with an id; None if there is none."""
        return next((block for block in self.blocks(kind) if block["id"] == id_), None)


def _impulse(row: Row) -> Impulse:
    return Impulse(row["id"], row["project"], row["name"], json.loads(row["document"]), row["created"], row["modified"])


class Blocks:
    """The tables `impulses` and `block_configs`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def impulses(self, project: int) -> list[Impulse]:
        """Return the impulses of a project; the first one is the default impulse."""
        rows = self.database.all("SELECT * FROM impulses WHERE project = ? ORDER BY id", (project,))
        return [_impulse(row) for row in rows]

    def find(self, project: int, impulse: int | None = None) -> Impulse | None:
        """Return the impulse with an id, or the default impulse; None if there is none."""
        found = [i for i in self.impulses(project) if impulse is None or i.id == impulse]
        return found[0] if found else None

    def get(self, project: int, impulse: int | None = None) -> Impulse:
        """Return the impulse with an id, or the default impulse. Raises ApiError if there is none."""
        found = self.find(project, impulse)
        if found is None:
            raise ApiError("No impulse with this ID found" if impulse else "This project has no impulse yet")
        return found

    def owner(self, project: int, kind: str, block: int) -> tuple[Impulse, dict[str, Any]]:
        """Return the impulse that a block belongs to, and the block. Raises ApiError if no impulse has the block."""
        for impulse in self.impulses(project):
            if (found := impulse.block(kind, block)) is not None:
                return impulse, found
        kind_name = {"dspBlocks": "DSP", "learnBlocks": "learn", "inputBlocks": "input"}.get(kind, "")
        raise ApiError(f"No {kind_name} block with this ID found ({block})")

    def put(self, project: int, impulse: int, name: str, document: Mapping[str, Any]) -> None:
        """Store a new impulse or replace an existing one."""
        self.database.run(
            "INSERT INTO impulses (project, id, name, document, created, modified) VALUES (?1, ?2, ?3, ?4, ?5, ?5)"
            " ON CONFLICT DO UPDATE SET name = ?3, document = ?4, modified = ?5",
            (project, impulse, name, json.dumps(document), now()),
        )

    def delete(self, project: int, impulse: int) -> None:
        """Delete an impulse."""
        self.database.run("DELETE FROM impulses WHERE project = ? AND id = ?", (project, impulse))

    def config(self, project: int, block: int) -> dict[str, Any]:
        """Return the settings of a block; empty if none were stored."""
        sql = "SELECT document FROM block_configs WHERE project = ? AND block = ?"
        row = self.database.one(sql, (project, block))
        document: dict[str, Any] = json.loads(row[0]) if row else {}
        return document

    def configure(self, project: int, block: int, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Replace the given settings of a block and keep the others; return all settings."""
        with self.database.exclusive():
            document = {**self.config(project, block), **changes}
            self.database.run(
                "INSERT INTO block_configs (project, block, document, modified) VALUES (?1, ?2, ?3, ?4)"
                " ON CONFLICT DO UPDATE SET document = ?3, modified = ?4",
                (project, block, json.dumps(document), now()),
            )
        return document

    def delete_block_data(self, project: int, block: int) -> None:
        """Delete the settings, features and model of a block."""
        with self.database.write() as connection:
            for table in ("block_configs", "features", "models"):
                connection.execute(f"DELETE FROM {table} WHERE project = ? AND block = ?", (project, block))
