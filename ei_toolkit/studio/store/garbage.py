"""Deletion of content that no row refers to: deleted samples, replaced features and models, interrupted uploads."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.packs import PACK_NAME

MINIMUM_AGE_S = 600.0  # The row that refers to a newer file may not be written yet.
BLOB_COLUMNS = (
    ("features", "x"),
    ("features", "y"),
    ("results", "blob"),
    ("deployments", "blob"),
    ("versions", "blob"),
)
PACK_SIZES = (  # DISTINCT: several samples may have the same original
    "SELECT pack, SUM(size) FROM (SELECT DISTINCT pack, start, size FROM samples WHERE pack IS NOT NULL) GROUP BY pack"
)
PACKS_OF_OTHERS = (  # those of originals and versions, which may have the same recordings as samples
    "SELECT pack FROM originals WHERE pack IS NOT NULL UNION SELECT pack FROM version_recordings WHERE pack IS NOT NULL"
)
log = logging.getLogger("ei_toolkit.studio")


def delete_samples(store: Store, project: int, ids: Sequence[int]) -> None:
    """Delete samples and then their content, so that nothing of a deleted recording stays on disk."""
    deleted = store.samples.delete(project, ids)
    for digest in deleted.blobs:
        store.blobs.remove(digest)
    erase_unreferenced(store, deleted.packs)


def delete_version(store: Store, project: int, version: int) -> None:
    """Delete a saved state of a project, and then the content that only it had."""
    deleted = store.versions.delete(project, version)
    for digest in deleted.blobs:
        store.blobs.remove(digest)
    erase_unreferenced(store, deleted.packs)


def erase_unreferenced(store: Store, names: Iterable[str]) -> None:
    """Erase the byte ranges of packs that no sample refers to. The rows of the packs must be committed.

    An I/O error is logged; `collect_garbage` tries again at the next start of the studio.
    """
    for name in names:
        try:
            store.packs.erase_unreferenced(name, store.samples.byte_ranges(name))
        except OSError as error:
            log.warning("the deleted recordings in the pack %s could not be erased: %s", name, error)


def collect_garbage(store: Store) -> int:
    """Delete files that no row refers to and that are older than `MINIMUM_AGE_S`; return their number.

    Call this at the start of a studio, before it serves requests.
    """
    referenced, latest = set(_referenced_blobs(store)), time.time() - MINIMUM_AGE_S
    unreferenced = [path for path in store.blobs.folder.glob("??/*") if path.name not in referenced]
    packs = [path for path in store.packs.folder.iterdir() if PACK_NAME.fullmatch(path.name)]
    sizes = {row[0]: row[1] for row in store.database.all(PACK_SIZES)}
    others = {row[0] for row in store.database.all(PACKS_OF_OTHERS)}
    unreferenced += [path for path in packs if path.name not in sizes and path.name not in others]
    larger = [path.name for path in packs if path.name in sizes and _size(path) > sizes[path.name]]
    erase_unreferenced(store, [*others, *(name for name in larger if name not in others)])
    return sum(_delete_if_older(path, latest) for path in unreferenced)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # A running import has deleted it in the meantime.
        return 0


def _delete_if_older(path: Path, latest: float) -> bool:
    with suppress(FileNotFoundError):  # as in _size
        if path.stat().st_mtime < latest:
            path.unlink()
            return True
    return False


def _referenced_blobs(store: Store) -> Iterator[str]:
    """Yield the digests that rows refer to; other texts of job specifications are among them, which does no harm."""
    yield from (row[0] for row in store.database.all("SELECT DISTINCT sha256 FROM recordings WHERE pack IS NULL"))
    for table, column in BLOB_COLUMNS:
        yield from (row[0] for row in store.database.all(f"SELECT DISTINCT {column} FROM {table}"))
    for row in store.database.all("SELECT files FROM models"):
        yield from json.loads(row[0]).values()
    for row in store.database.all("SELECT files FROM versions"):
        yield from json.loads(row[0])
    for row in store.database.all("SELECT blob FROM results WHERE kind = 'pretrained'"):
        yield from json.loads(store.blobs.read(row[0]))["models"].values()
    for row in store.database.all("SELECT spec FROM jobs WHERE state != 'finished'"):
        yield from (value for value in json.loads(row[0]).values() if isinstance(value, str))
