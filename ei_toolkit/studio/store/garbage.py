"""Bytes that nothing refers to any more: deleted samples, features and models that were made again, cut off uploads."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ei_toolkit.studio.store import Store

YOUNG_S = 600.0  # a file this young may belong to a row that is still to be written
COLUMNS = (("samples", "sha256"), ("features", "x"), ("features", "y"), ("results", "blob"), ("deployments", "blob"))


BLOCK = 4096  # bytes that a file system gives out at once
PACKED = "SELECT pack, SUM(size + 2 * ?) FROM samples WHERE pack IS NOT NULL GROUP BY pack"


def delete_samples(store: Store, project: int, ids: Sequence[int]) -> None:
    """Delete samples, then their bytes: nothing of a deleted recording stays on disk."""
    deleted = store.samples.delete(project, ids)
    for digest in deleted.blobs:
        store.blobs.remove(digest)
    trim_packs(store, deleted.packs)


def trim_packs(store: Store, names: Iterable[str]) -> None:
    """Erase what no sample refers to in packs whose rows are committed; a pack never gets any later."""
    for name in names:
        store.packs.trim(name, store.samples.stretches(name))


def collect(store: Store) -> int:
    """Delete unreferenced files that are not young; returns how many. For a start, before anything is served."""
    known, old = set(_referenced(store)), time.time() - YOUNG_S
    unknown = (path for path in store.blobs.folder.glob("??/*") if path.name not in known)
    removed = sum(_remove_if_older(path, old) for path in unknown)
    room = {row[0]: row[1] for row in store.database.all(PACKED, (BLOCK,))}
    for path in store.packs.folder.iterdir():
        if path.name not in room:
            removed += _remove_if_older(path, old)
        elif path.stat().st_blocks * 512 > room[path.name]:  # a deletion was cut off
            trim_packs(store, [path.name])
    return removed


def _remove_if_older(path: Path, than: float) -> bool:
    if found := path.stat().st_mtime < than:
        path.unlink()
    return found


def _referenced(store: Store) -> Iterator[str]:
    for table, column in COLUMNS:
        yield from (row[0] for row in store.database.all(f"SELECT DISTINCT {column} FROM {table}"))
    for row in store.database.all("SELECT files FROM models"):
        yield from json.loads(row[0]).values()
    for row in store.database.all("SELECT blob FROM results WHERE kind = 'pretrained'"):
        yield from json.loads(store.blobs.read(row[0]))["models"].values()
    for row in store.database.all("SELECT spec FROM jobs WHERE state != 'finished'"):
        yield from (value for value in json.loads(row[0]).values() if isinstance(value, str))
