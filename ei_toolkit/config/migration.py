"""Bring files that an older version wrote into a project folder to the present formats.

Each function migrates one format and returns one sentence for each file that it changed. Nothing is written in a
project that is already in the present formats. The names and keys of both formats are written out here and do not
follow later changes elsewhere, because they describe the files of two fixed versions.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.errors import DataError

LOCK_TIMEOUT_S = 30.0  # wait for another command that writes the database of runs
RENAMED_COLUMNS = {"recipe": "augmentation"}  # old name -> column of the window manifest since 0.3


def migrate_project(paths: ProjectPaths) -> list[str]:
    """Migrate every file of a project that an older version wrote; return one sentence for each change.

    Running it again changes nothing and returns nothing. Raises DataError where the folder cannot be written.
    """
    try:
        return [note for migrate in MIGRATIONS for note in migrate(paths)]
    except OSError as error:
        raise DataError(
            f"the files of an older version in {paths.state} cannot be migrated",
            why=str(error),
            hint=f"Make {paths.state} and its files writable, then run the command again.",
        ) from None


def migrate_manifest(paths: ProjectPaths) -> Iterator[str]:
    """Rename columns in the header of the window manifest (0.3); the rows stay byte for byte."""
    if not paths.manifest.is_file():
        return
    with paths.manifest.open("rb") as stream:
        header = stream.readline()
        columns = header.decode("utf-8", "replace").rstrip("\n").split(",")
        renamed = {old: new for old, new in RENAMED_COLUMNS.items() if old in columns}
        if not renamed:
            return
        rows = stream.read()
    write_bytes(paths.manifest, ",".join(renamed.get(name, name) for name in columns).encode() + b"\n" + rows)
    changes = ", ".join(f"column {old} is now {new}" for old, new in renamed.items())
    yield f"migrated {_shown(paths, paths.manifest)}: {changes}"


def migrate_provenance(paths: ProjectPaths) -> Iterator[str]:
    """Rename the records of the clips that models were trained on (0.3)."""
    old_folder = paths.state / "heard"  # old name
    for old in sorted(old_folder.glob("*.json")):
        yield from _move(paths, old, paths.provenance / old.name)
    with suppress(OSError):  # files of others may be in it
        old_folder.rmdir()
    for old in sorted(paths.builds.glob("*/heard.json")):  # old name
        yield from _move(paths, old, old.with_name("provenance.json"))


def migrate_nightly_marks(paths: ProjectPaths) -> Iterator[str]:
    """Rename the marks of complete nightly runs (0.3)."""
    for old in sorted(paths.builds.glob("*/night.json")):  # old name
        yield from _move(paths, old, old.with_name("nightly.json"))


def migrate_emulator_logs(paths: ProjectPaths) -> Iterator[str]:
    """Rename the logs of emulator processes (0.3)."""
    for old in sorted(paths.boards.glob("*/keeper.log")):  # old name
        yield from _move(paths, old, old.with_name("emulator.log"))


RUNS_VERSION = 1  # user_version of runs.sqlite; versions before 0.3 left it at 0


def migrate_runs(paths: ProjectPaths) -> Iterator[str]:
    """Rename a kind of run, and keys in the results of gates, in the database of runs (0.3)."""
    if not paths.runs.is_file():
        return
    db = sqlite3.connect(paths.runs, timeout=LOCK_TIMEOUT_S, isolation_level=None)
    try:
        changed = _rename_in_runs(db)
    except sqlite3.OperationalError as error:  # it cannot be written
        raise OSError(f"{paths.runs}: {error}") from None
    except sqlite3.DatabaseError:  # it is no database; the command that reads it reports that
        return
    finally:
        db.close()
    if changed:
        yield f"migrated {_shown(paths, paths.runs)}: {changed} runs have the present names"


def _rename_in_runs(db: sqlite3.Connection) -> int:
    """Rename in all rows of a database that was not migrated yet; return how many rows changed."""
    is_present = db.execute("PRAGMA user_version").fetchone()[0] >= RUNS_VERSION
    if is_present or not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'").fetchone():
        return 0
    db.execute("BEGIN IMMEDIATE")
    changes = [
        (json.dumps(metrics, sort_keys=True), number)
        for number, text in db.execute("SELECT id, metrics FROM runs WHERE kind = 'gate'").fetchall()
        if _rename_thresholded_accuracy(metrics := json.loads(text))
    ]
    db.executemany("UPDATE runs SET metrics = ? WHERE id = ?", changes)
    verified = db.execute("UPDATE runs SET kind = 'verify' WHERE kind = 'listen'").rowcount
    db.execute(f"PRAGMA user_version = {RUNS_VERSION}")
    db.execute("COMMIT")
    return len(changes) + verified


def _rename_thresholded_accuracy(metrics: dict[str, Any]) -> bool:
    """Rename the key in the results of one gate; return whether it was there."""
    old = "decided"  # old name
    trials = [trial for key in ("challenger", "champion") if (trial := metrics.get(key)) and old in trial]
    for trial in trials:
        trial["thresholded_accuracy"] = trial.pop(old)
    return bool(trials)


def _move(paths: ProjectPaths, old: Path, new: Path) -> Iterator[str]:
    """Rename a file; of an old and a new one the file that was written later stays."""
    new.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):  # another command migrated it at the same time
        if new.exists() and new.stat().st_mtime_ns >= old.stat().st_mtime_ns:
            old.unlink()
            yield f"removed {_shown(paths, old)}: {_shown(paths, new)} is newer"
        else:
            old.replace(new)
            yield f"migrated {_shown(paths, old)}: it is now {_shown(paths, new)}"


def _shown(paths: ProjectPaths, file: Path) -> str:
    return file.relative_to(paths.root).as_posix()


MIGRATIONS: tuple[Callable[[ProjectPaths], Iterator[str]], ...] = (
    migrate_manifest,
    migrate_provenance,
    migrate_nightly_marks,
    migrate_emulator_logs,
    migrate_runs,
)
