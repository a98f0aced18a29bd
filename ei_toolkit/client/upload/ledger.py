"""The ledger: a record of the windows that are in the studio, beside the manifest, one for each studio and project.

The studio is the reference: every upload starts with its list of samples. The row of a window is written after the
response of the studio; if the process is killed in between, the next upload finds the sample in the list.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from ei_toolkit.config.sqlite_errors import sqlite_errors

State = Literal["done", "failed"]
SCHEMA = """
CREATE TABLE IF NOT EXISTS window (
    sha256 TEXT PRIMARY KEY, file TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('done', 'failed')),
    sample INTEGER, reason TEXT NOT NULL DEFAULT '', annotated INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class Entry:
    """The state of one window. `annotated`: the metadata of the window, beyond that of its batch, is in the studio."""

    sha256: str
    file: str
    state: State
    sample: int | None = None
    reason: str = ""
    annotated: bool = False


class Ledger:
    """Entries by window hash. Use as a context manager, from one thread.

    Raises DataError for a file that is damaged or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with _errors(path):
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def record(self, entries: Iterable[Entry]) -> None:
        """Write entries in one transaction. Raises DataError where the file cannot be written."""
        rows = [(e.sha256, e.file, e.state, e.sample, e.reason, int(e.annotated)) for e in entries]
        with _errors(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("REPLACE INTO window VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._db.execute("COMMIT")

    def entries(self) -> dict[str, Entry]:
        """Return all entries by hash."""
        rows = self._db.execute("SELECT sha256, file, state, sample, reason, annotated FROM window")
        return {
            sha256: Entry(sha256, file, state, sample, reason, bool(annotated))
            for sha256, file, state, sample, reason, annotated in rows
        }


def _errors(path: Path) -> AbstractContextManager[None]:
    again = "Delete it; the next upload asks the studio which samples it has."
    return sqlite_errors(path, if_damaged=again, then="run eitk upload again")


def ledger_path(manifest: Path, studio: str, project: int) -> Path:
    """Return the path of the ledger of a manifest for one studio and project."""
    return manifest.parent / f"uploads.{slug(studio)}.{project}.sqlite"


def slug(studio: str) -> str:
    """Return the name of a studio as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", studio.lower()).strip("-")
