"""Features that were computed before: keyed by what the sample holds and by everything that shapes the features.

The key holds the content's hash, not the sample's id: a sample that is relabelled, moved or uploaded again costs
nothing, and changing one sample computes one.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ei_toolkit.studio.impulse import ProcessingBlock
from ei_toolkit.studio.store.samples import Sample

Floats = npt.NDArray[np.float32]
LARGEST_CACHE = 4 * 2**30


class FeatureCache:
    """A database of its own: losing it costs time, nothing else."""

    def __init__(self, data: Path) -> None:
        self._db = sqlite3.connect(data / "features.sqlite", timeout=30, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS features (key BLOB PRIMARY KEY, windows INTEGER, data BLOB) WITHOUT ROWID"
        )
        self.hits = self.misses = 0

    def get(self, sample: Sample, block: ProcessingBlock, compute: Callable[[], Floats]) -> Floats:
        """(windows, features) float32 of a sample, computed only if it was not before."""
        key = hashlib.sha256(f"{sample.sha256} {sample.frequency} {block.recipe}".encode()).digest()
        row = self._db.execute("SELECT windows, data FROM features WHERE key = ?", (key,)).fetchone()
        if row is not None:
            self.hits += 1
            return np.frombuffer(row[1], np.float32).reshape(row[0], -1) if row[0] else np.empty((0, 0), np.float32)
        self.misses += 1
        features = compute()
        self._db.execute("INSERT OR REPLACE INTO features VALUES (?, ?, ?)", (key, len(features), features.tobytes()))
        return features

    def trim(self) -> None:
        """Start over once the cache has grown past its largest size."""
        pages, size = (self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        if pages * size > LARGEST_CACHE:
            self._db.execute("DELETE FROM features")
            self._db.execute("VACUUM")

    def close(self) -> None:
        """Close the database."""
        self._db.close()
