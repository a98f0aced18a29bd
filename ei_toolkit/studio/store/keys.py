"""API keys. Each has one project and one role; the secret is stored as a hash and compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Literal, get_args

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.store.database import Database, Row
from ei_toolkit.studio.wire_format import now

Role = Literal["admin", "readonly", "ingestiononly", "ingestion_deployment"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Key:
    """A stored key. `hint` is the abbreviated secret that lists show."""

    id: int
    project: int
    name: str
    role: Role
    hint: str
    development: bool
    created: str
    expires: str | None


def new_secret() -> str:
    """Return a new random secret in the format of Edge Impulse's keys."""
    return f"ei_{secrets.token_hex(32)}"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _has_expired(row: Row) -> bool:
    return row["expires"] is not None and row["expires"] <= now()


def _key(row: Row) -> Key:
    return Key(
        row["id"], row["project"], row["name"], row["role"], row["hint"],
        bool(row["development"]), row["created"], row["expires"],
    )  # fmt: skip


class Keys:
    """The table `keys`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def find(self, secret: str) -> Key | None:
        """Return the key with a secret, unless it has expired. Every stored hash is compared, also after a match."""
        digest, found = _digest(secret), None
        for row in self.database.all("SELECT * FROM keys"):
            if hmac.compare_digest(row["hash"], digest) and not _has_expired(row):
                found = _key(row)
        return found

    def by_id(self, key: int) -> Key | None:
        """Return the key with an id, unless it has expired or was revoked."""
        row = self.database.one("SELECT * FROM keys WHERE id = ?", (key,))
        return None if row is None or _has_expired(row) else _key(row)

    def of(self, project: int) -> list[Key]:
        """Return the keys of one project."""
        rows = self.database.all("SELECT * FROM keys WHERE project = ? ORDER BY id", (project,))
        return [_key(row) for row in rows]

    def add(
        self, project: int, name: str, role: Role, secret: str, *, development: bool = False, expires: str | None = None
    ) -> int:
        """Store a key; return its id. Only the hash and the last four characters of the secret are stored.

        Raises ApiError for a secret that is too short or in use.
        """
        if len(secret) < 16:
            raise ApiError("An API key needs at least 16 characters")
        values = (project, name, _digest(secret), f"ei_…{secret[-4:]}", role, int(development), now(), expires)
        with self.database.write() as connection:
            if connection.execute("SELECT 1 FROM keys WHERE hash = ?", (values[2],)).fetchone():
                raise ApiError("This API key is in use already")
            cursor = connection.execute(
                "INSERT INTO keys (project, name, hash, hint, role, development, created, expires)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        return int(cursor.lastrowid or 0)

    def revoke(self, project: int, key: int) -> None:
        """Delete a key. Raises ApiError if it does not exist."""
        if not self.database.run("DELETE FROM keys WHERE project = ? AND id = ?", (project, key)):
            raise ApiError("No API key with this ID found")
