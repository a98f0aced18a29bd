"""Blobs that nothing refers to any more: features and models that were made again, uploads that were cut off."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from ei_toolkit.studio.blobs import Blobs
from ei_toolkit.studio.store.database import Database

YOUNG_S = 600.0  # a blob this young may belong to a row that is still to be written
COLUMNS = (("samples", "sha256"), ("features", "x"), ("features", "y"), ("results", "blob"), ("deployments", "blob"))


def collect(database: Database, blobs: Blobs) -> int:
    """Delete unreferenced blobs that are not young; returns how many. For a start, before anything is served."""
    known = set(_referenced(database, blobs))
    old = time.time() - YOUNG_S
    removed = 0
    for path in blobs.folder.glob("??/*"):
        if path.name not in known and path.stat().st_mtime < old:
            path.unlink()
            removed += 1
    return removed


def _referenced(database: Database, blobs: Blobs) -> Iterator[str]:
    for table, column in COLUMNS:
        yield from (row[0] for row in database.all(f"SELECT DISTINCT {column} FROM {table}"))
    for row in database.all("SELECT files FROM models"):
        yield from json.loads(row[0]).values()
    for row in database.all("SELECT blob FROM results WHERE kind = 'pretrained'"):
        yield from json.loads(blobs.read(row[0]))["models"].values()
    for row in database.all("SELECT spec FROM jobs WHERE state != 'finished'"):
        yield from (value for value in json.loads(row[0]).values() if isinstance(value, str))
