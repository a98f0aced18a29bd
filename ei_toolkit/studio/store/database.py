"""The SQLite database of a studio in WAL mode: many readers, one writer, each commit synced to disk."""

from __future__ import annotations

import os
import queue
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.studio.store.migrations import MIGRATIONS

BUSY_TIMEOUT_MS = 30_000  # A job process may hold the write lock while it stores its results.
Row = sqlite3.Row


class Database:
    """A pool of connections to one database file. Opening runs the migrations that the file needs.

    Raises ConfigurationError for a file of a newer version, a damaged file, and a file that cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        make_private_file(path)
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._writer = threading.RLock()
        try:
            with self._borrow() as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                migrate(connection, path)
        except sqlite3.Error as error:
            self.close()
            raise _unusable(path, error) from error

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Block the other writers of this process during several statements that belong together."""
        with self._writer:
            yield

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Run one transaction: committed and synced at the end, rolled back on any exception."""
        with self._writer, self._borrow() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:  # KeyboardInterrupt, too: the connection is returned to the pool
                if connection.in_transaction:  # SQLite itself ends it for some errors, such as a full disk
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Run several queries on one state of the database, which writers do not change meanwhile."""
        with self._borrow() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return every row of a query."""
        with self._borrow() as connection:
            return connection.execute(sql, values).fetchall()

    def one(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """Return the first row of a query; None if there is none."""
        with self._borrow() as connection:
            row: Row | None = connection.execute(sql, values).fetchone()
            return row

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement in its own transaction; return the number of rows that it changed."""
        with self.write() as connection:
            return connection.execute(sql, values).rowcount

    def close(self) -> None:
        """Close every idle connection."""
        while not self._idle.empty():
            self._idle.get_nowait().close()

    @contextmanager
    def _borrow(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = _connect(self.path)
        try:
            yield connection
        finally:
            self._idle.put(connection)


def make_private_file(path: Path) -> None:
    """Create a database file, or change one of an older version, so that only its owner can read it.

    SQLite gives the files beside it the same permissions. What the system does not allow is reported when it is opened.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        for file in (path, *(path.with_name(f"{path.name}-{end}") for end in ("wal", "shm"))):
            if file.exists():
                file.chmod(0o600)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        for pragma in (f"busy_timeout = {BUSY_TIMEOUT_MS}", "foreign_keys = ON", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def is_outdated(path: Path) -> bool:
    """Return whether opening a file would run migrations; False if it cannot be read, which `Database` reports."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error:
        return False
    return 0 < version < len(MIGRATIONS)


def _unusable(path: Path, error: sqlite3.Error) -> ConfigurationError:
    if isinstance(error, sqlite3.OperationalError):  # locked, read-only or no space left
        return ConfigurationError(
            f"{path} cannot be opened",
            why=str(error),
            hint="make sure that it is a file that you may write to, and that no other process locks it",
        )
    hint = f"restore it from a backup, or move {path.parent} to another place and upload the samples again"
    return ConfigurationError(f"{path} is damaged", why=str(error), hint=hint)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Run the migrations that are newer than a file, all in one transaction. Raises ConfigurationError."""
    connection.execute("BEGIN IMMEDIATE")
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        connection.execute("ROLLBACK")
        raise ConfigurationError(
            f"{path.parent} was written by a newer eitk",
            why=f"its database has version {version}; this eitk supports versions up to {len(MIGRATIONS)}",
            hint="update eitk, or use another data folder",
        )
    if version == len(MIGRATIONS):
        connection.execute("ROLLBACK")  # nothing to write: a commit would wait for the disk at each start of a process
        return
    for migration in MIGRATIONS[version:]:
        for statement in migration.split(";\n"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute("COMMIT")
