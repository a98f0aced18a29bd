"""API keys: stored hashed, compared in constant time, each with one project and one role."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Literal, get_args

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.parameters import now
from ei_toolkit.studio.store.database import Database, Row

Role = Literal["admin", "readonly", "ingestiononly", "ingestion_deployment"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Key:
    """What is known of a key once it is stored; `hint` is how lists show it."""

    id: int
    project: int
    name: str
    role: Role
    hint: str
    development: bool
    created: str
    expires: str | None


def new_secret() -> str:
    """A fresh key in Edge Impulse's form."""
    return f"ei_{secrets.token_hex(32)}"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _key(row: Row) -> Key:
    return Key(
        row["id"], row["project"], row["name"], row["role"], row["hint"],
        bool(row["development"]), row["created"], row["expires"],
    )  # fmt: skip


class Keys:
    """The table of keys."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def find(self, secret: str) -> Key | None:
        """The key that a client presented; every stored hash is compared, whichever matches."""
        digest, found = _digest(secret), None
        for row in self.database.all("SELECT * FROM keys"):
            if hmac.compare_digest(row["hash"], digest) and (row["expires"] is None or row["expires"] > now()):
                found = _key(row)
        return found

    def of(self, project: int) -> list[Key]:
        """Keys of one project."""
        rows = self.database.all("SELECT * FROM keys WHERE project = ? ORDER BY id", (project,))
        return [_key(row) for row in rows]

    def add(
        self, project: int, name: str, role: Role, secret: str, *, development: bool = False, expires: str | None = None
    ) -> int:
        """Store a key; only its hash and its last four characters are kept."""
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
        """Delete a key."""
        if not self.database.run("DELETE FROM keys WHERE project = ? AND id = ?", (project, key)):
            raise ApiError("No API key with this ID found")
