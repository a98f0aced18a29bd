"""Bytes that nothing refers to any more: deleted samples, features and models that were made again, cut off uploads."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.packs import NAME

YOUNG_S = 600.0  # a file this young may belong to a row that is still to be written
COLUMNS = (("features", "x"), ("features", "y"), ("results", "blob"), ("deployments", "blob"))
PACKED = "SELECT pack, SUM(size) FROM samples WHERE pack IS NOT NULL GROUP BY pack"
log = logging.getLogger("ei_toolkit.studio")


def delete_samples(store: Store, project: int, ids: Sequence[int]) -> None:
    """Delete samples, then their bytes: nothing of a deleted recording stays on disk."""
    deleted = store.samples.delete(project, ids)
    for digest in deleted.blobs:
        store.blobs.remove(digest)
    trim_packs(store, deleted.packs)


def trim_packs(store: Store, names: Iterable[str]) -> None:
    """Erase what no sample refers to in packs whose rows are committed; a pack never gets any later.

    What the disk refuses is done at the next start: the rows say already what is there.
    """
    for name in names:
        try:
            store.packs.trim(name, store.samples.stretches(name))
        except OSError as error:
            log.warning("what is unwanted in the pack %s could not be erased: %s", name, error)


def collect(store: Store) -> int:
    """Delete unreferenced files that are not young; returns how many. For a start, before anything is served."""
    known, old = set(_referenced(store)), time.time() - YOUNG_S
    unknown = [path for path in store.blobs.folder.glob("??/*") if path.name not in known]
    packs = [path for path in store.packs.folder.iterdir() if NAME.fullmatch(path.name)]
    live = {row[0]: row[1] for row in store.database.all(PACKED)}
    unknown += [path for path in packs if path.name not in live]
    trim_packs(store, [path.name for path in packs if path.name in live and _size(path) > live[path.name]])
    return sum(_remove_if_older(path, old) for path in unknown)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # an import that runs beside this has no more use for it
        return 0


def _remove_if_older(path: Path, than: float) -> bool:
    with suppress(FileNotFoundError):  # as in _size
        if path.stat().st_mtime < than:
            path.unlink()
            return True
    return False


def _referenced(store: Store) -> Iterator[str]:
    yield from (row[0] for row in store.database.all("SELECT DISTINCT sha256 FROM samples WHERE pack IS NULL"))
    for table, column in COLUMNS:
        yield from (row[0] for row in store.database.all(f"SELECT DISTINCT {column} FROM {table}"))
    for row in store.database.all("SELECT files FROM models"):
        yield from json.loads(row[0]).values()
    for row in store.database.all("SELECT blob FROM results WHERE kind = 'pretrained'"):
        yield from json.loads(store.blobs.read(row[0]))["models"].values()
    for row in store.database.all("SELECT spec FROM jobs WHERE state != 'finished'"):
        yield from (value for value in json.loads(row[0]).values() if isinstance(value, str))
