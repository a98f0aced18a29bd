"""Every training, evaluation, build, flash and gate as one row of `.eitk/runs.sqlite`.

A row says what was done (`kind`), with which settings, on which windows (`data_hash`: the manifest's SHA-256), by which
code, and what came out (`metrics`). Rows are only ever added.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, get_args

from ei_toolkit.config import Config, ProjectPaths
from ei_toolkit.config.plain import plain
from ei_toolkit.errors import DataError, UsageError
from ei_toolkit.report.code_version import code_version

Kind = Literal["train", "evaluation", "build", "flash", "listen", "gate"]
KINDS: tuple[str, ...] = get_args(Kind)
NOT_THE_MODEL = ("studio", "board")  # tables of eitk.toml that say where, not what

SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY,
    created TEXT NOT NULL,
    kind TEXT NOT NULL,
    config TEXT NOT NULL,
    data_hash TEXT NOT NULL,
    code_version TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    metrics TEXT NOT NULL
)
"""


@dataclass(frozen=True)
class Run:
    """One row. `fingerprint` is the same for two runs of the same settings, windows and code."""

    id: int
    created: str
    kind: str
    config: Mapping[str, Any]
    data_hash: str
    code_version: str
    fingerprint: str
    metrics: Mapping[str, Any]


def record_run(config: Config, kind: Kind, metrics: Mapping[str, Any]) -> Run:
    """Add a row for something that was just done in this project, and return it.

    `metrics` is what came out, JSON-able; nested tables are fine. Raises DataError where the database is no database.
    """
    data, created = data_hash(config.paths), datetime.now(UTC).isoformat(timespec="seconds")
    row = (
        created, kind, json.dumps(plain(config.settings)), data, code_version(), fingerprint(config),
        json.dumps(metrics, sort_keys=True),
    )  # fmt: skip
    with _open(config.paths.runs) as db:
        cursor = db.execute(
            "INSERT INTO runs (created, kind, config, data_hash, code_version, fingerprint, metrics)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        return _run(db.execute("SELECT * FROM runs WHERE id = ?", (cursor.lastrowid,)).fetchone())


def list_runs(paths: ProjectPaths, kind: str | None = None) -> list[Run]:
    """The project's runs, oldest first; `kind` keeps one kind. No database is no runs."""
    if kind is not None and kind not in KINDS:
        raise UsageError(f"there is no kind of run {kind!r}", hint="Kinds: " + ", ".join(KINDS))
    if not paths.runs.is_file():
        return []
    with _open(paths.runs) as db:
        rows = db.execute("SELECT * FROM runs WHERE ? IS NULL OR kind = ? ORDER BY id", (kind, kind)).fetchall()
    return [_run(row) for row in rows]


def find_run(paths: ProjectPaths, number: int) -> Run:
    """One run by its number. Raises UsageError where there is none."""
    for run in list_runs(paths):
        if run.id == number:
            return run
    raise UsageError(f"there is no run {number}", hint="eitk runs list shows the runs of this project.")


def find_same(config: Config, kind: Kind) -> Run | None:
    """The latest run of this kind with the present settings, windows and code."""
    present = fingerprint(config)
    return next((run for run in reversed(list_runs(config.paths, kind)) if run.fingerprint == present), None)


def fingerprint(config: Config) -> str:
    """What a model is made of: settings (but where it is trained and shown), windows, code; 12 hex digits."""
    settings = {key: value for key, value in plain(config.settings).items() if key not in NOT_THE_MODEL}
    whole = json.dumps([settings, data_hash(config.paths), code_version()], sort_keys=True)
    return sha256(whole.encode()).hexdigest()[:12]


def data_hash(paths: ProjectPaths) -> str:
    """SHA-256 of the window manifest, which holds every window's own; empty before `eitk slice`."""
    return sha256(paths.manifest.read_bytes()).hexdigest() if paths.manifest.is_file() else ""


@contextmanager
def _open(file: Path) -> Iterator[sqlite3.Connection]:
    file.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(file, timeout=30.0)
    db.row_factory = sqlite3.Row
    try:
        with db:
            db.execute(SCHEMA)
            yield db
    except sqlite3.DatabaseError as error:
        raise DataError(
            f"{file} cannot be used", why=str(error), hint="Move the file away; it only keeps the history."
        ) from None
    finally:
        db.close()


def _run(row: sqlite3.Row) -> Run:
    values = dict(row)
    values["config"], values["metrics"] = json.loads(values["config"]), json.loads(values["metrics"])
    return Run(**values)
