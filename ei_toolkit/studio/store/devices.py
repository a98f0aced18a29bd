"""Boards and other devices that record samples for a project."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.store.database import Database, Row
from ei_toolkit.studio.wire_format import now


@dataclass(frozen=True)
class StoredDevice:
    """One device. `device_id` is the identity that it states; `sensors` are as Edge Impulse's API describes them."""

    id: int
    project: int
    device_id: str
    name: str
    device_type: str
    sensors: Sequence[Mapping[str, Any]]
    supports_snapshots: bool
    created: str
    last_seen: str


def _device(row: Row) -> StoredDevice:
    return StoredDevice(
        row["id"], row["project"], row["device_id"], row["name"], row["device_type"], json.loads(row["sensors"]),
        bool(row["supports_snapshots"]), row["created"], row["last_seen"],
    )  # fmt: skip


class StoredDevices:
    """The table `devices`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def of(self, project: int) -> list[StoredDevice]:
        """Return the devices of a project, oldest first."""
        return [_device(row) for row in self.database.all("SELECT * FROM devices WHERE project = ?", (project,))]

    def find(self, project: int, device_id: str) -> StoredDevice | None:
        """Return one device; None if the project does not have it."""
        row = self.database.one("SELECT * FROM devices WHERE project = ? AND device_id = ?", (project, device_id))
        return None if row is None else _device(row)

    def get(self, project: int, device_id: str) -> StoredDevice:
        """Return one device. Raises ApiError if the project does not have it."""
        found = self.find(project, device_id)
        if found is None:
            raise ApiError(f"There is no device with the ID {device_id[:100]} in this project")
        return found

    def create(self, project: int, device_id: str, device_type: str) -> bool:
        """Store a device without sensors, with its ID as its name; return False if the project has it already."""
        values = (project, device_id, device_id, device_type, now(), now())
        return bool(
            self.database.run(
                "INSERT OR IGNORE INTO devices (project, device_id, name, device_type, created, last_seen)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                values,
            )
        )

    def describe(
        self,
        project: int,
        device_id: str,
        device_type: str,
        sensors: Sequence[Mapping[str, Any]],
        *,
        supports_snapshots: bool,
    ) -> None:
        """Store what a device states of itself when it connects; a device that is not known is created."""
        self.database.run(
            "INSERT INTO devices"
            " (project, device_id, name, device_type, sensors, supports_snapshots, created, last_seen)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (project, device_id) DO UPDATE SET"
            " (device_type, sensors, supports_snapshots, last_seen)"
            " = (excluded.device_type, excluded.sensors, excluded.supports_snapshots, excluded.last_seen)",
            (
                project, device_id, device_id, device_type, json.dumps(sensors), int(supports_snapshots), now(), now(),
            ),
        )  # fmt: skip

    def mark_seen(self, project: int, device_id: str) -> None:
        """Store the present time as that of the last message."""
        self.database.run(
            "UPDATE devices SET last_seen = ? WHERE project = ? AND device_id = ?", (now(), project, device_id)
        )

    def rename(self, project: int, device_id: str, name: str) -> None:
        """Change the name that people see. Raises ApiError if the project does not have the device."""
        sql = "UPDATE devices SET name = ? WHERE project = ? AND device_id = ?"
        if not self.database.run(sql, (name, project, device_id)):
            self.get(project, device_id)

    def delete(self, project: int, device_id: str) -> None:
        """Delete a device; its samples stay. Raises ApiError if the project does not have it."""
        if not self.database.run("DELETE FROM devices WHERE project = ? AND device_id = ?", (project, device_id)):
            self.get(project, device_id)
