"""Features of samples: computed once for each content and settings, cached, and stored for training and download.

The key of the cache is the hash of the sample's content and of the settings, not the sample's id. A sample that is
relabelled, moved or uploaded again is therefore not computed again.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.feature_rows import RowCollector, save_rows, side_by_side
from ei_toolkit.impulse.trained_model import label_order
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.impulse import ProcessingBlock, processing_block
from ei_toolkit.studio.jobs.task import Task
from ei_toolkit.studio.jobs.windows import WindowInfo, describe_windows, require_deleted, windows_of
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.artifacts import Features
from ei_toolkit.studio.store.sample_filter import ENABLED, SampleFilter, reads
from ei_toolkit.studio.store.samples import Sample

Floats = npt.NDArray[np.float32]
LARGEST_CACHE_BYTES = 4 * 2**30


class FeatureCache:
    """A cache in a separate database, which may be deleted at any time."""

    def __init__(self, data: Path) -> None:
        self._db = sqlite3.connect(data / "features.sqlite", timeout=30, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS features (key BLOB PRIMARY KEY, windows INTEGER, data BLOB) WITHOUT ROWID"
        )
        self.hits = self.misses = 0

    def get(self, sample: Sample, block: ProcessingBlock, compute: Callable[[], Floats]) -> Floats:
        """Return the (windows, features) float32 of a sample; call `compute` if they are not cached."""
        key = hashlib.sha256(f"{sample.sha256} {sample.frequency} {block.settings_hash}".encode()).digest()
        row = self._db.execute("SELECT windows, data FROM features WHERE key = ?", (key,)).fetchone()
        if row is not None:
            self.hits += 1
            return np.frombuffer(row[1], np.float32).reshape(row[0], -1) if row[0] else np.empty((0, 0), np.float32)
        self.misses += 1
        features = compute()
        self._db.execute("INSERT OR REPLACE INTO features VALUES (?, ?, ?)", (key, len(features), features.tobytes()))
        return features

    def trim(self) -> None:
        """Delete all entries if the cache exceeds its largest size."""
        pages, size = (self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        if pages * size > LARGEST_CACHE_BYTES:
            self._db.execute("DELETE FROM features")
            self._db.execute("VACUUM")

    def close(self) -> None:
        """Close the database."""
        self._db.close()


REPORT_EVERY = 200  # samples


@dataclass(frozen=True)
class ComputedFeatures:
    """Features of samples: `x` has the shape (n, features), float32; `windows` describes the n windows."""

    x: Floats
    windows: list[WindowInfo]
    frames: int
    bins: int
    deleted: frozenset[int] = frozenset()  # samples that were deleted before they were read

    def without(self, samples: frozenset[int]) -> ComputedFeatures:
        """Return the features without the windows of some samples."""
        kept = [index for index, window in enumerate(self.windows) if window.sample not in samples]
        if len(kept) == len(self.windows):
            return self
        return replace(self, x=self.x[kept], windows=[self.windows[index] for index in kept])


def generate_features(task: Task) -> None:
    """Job: compute and store the training features of one block."""
    block = processing_block(task.store, task.project, int(task.job.spec["dsp"]))
    store_features(task, block, "training", _samples(task.store, task.project, "training"))


def features_of_blocks(task: Task, blocks: Sequence[ProcessingBlock], category: str) -> list[ComputedFeatures]:
    """Compute and store the features of several blocks; return them for the same samples.

    Samples that are deleted in the meantime are omitted from the features of all blocks.
    """
    if not blocks:
        raise ApiError("The learn block reads no processing block")
    samples = _samples(task.store, task.project, category)
    parts = [store_features(task, block, category, samples) for block in blocks]
    deleted = frozenset(sample for part in parts for sample in part.deleted)
    return [part.without(deleted) for part in parts]


def store_features(task: Task, block: ProcessingBlock, category: str, samples: Sequence[Sample]) -> ComputedFeatures:
    """Compute, store and return the features of one block for the samples of a category."""
    task.log(f"Creating windows from {category} files...")
    computed = compute_features(task, block, samples)
    labels = label_order(window.label for window in computed.windows)
    with task.scratch() as folder:
        x, y = folder / "x.npy", folder / "y.npy"
        save_rows(x, computed.x)
        np.save(y, _label_table(computed.windows, labels))
        x_blob, y_blob = (task.store.blobs.put_file(path) for path in (x, y))
    summary = _summary(computed, block, labels)
    task.store.artifacts.put_features(task.project, Features(block.id, category, x_blob, y_blob, summary, ""))
    task.log(f"Created {len(computed.windows)} windows: {_counts(computed.windows)}")
    task.log("Creating features OK")
    return computed


def compute_features(task: Task, block: ProcessingBlock, samples: Sequence[Sample]) -> ComputedFeatures:
    """Return the features of the labelled windows of samples, in the order of the samples."""
    frames, bins = dsp.output_shape(
        block.type, block.window_samples, block.frequency, block.version, **dict(block.config)
    )
    rows = RowCollector(frames * bins, task.store.blobs.incoming)
    windows: list[WindowInfo] = []
    omitted, deleted = 0, set()
    for sample, features in _read_all(task, block, samples):
        if features is None:
            deleted.add(sample.id)
            continue
        kept, infos = _labelled(sample, features, block)
        omitted += len(features) - len(infos)
        windows += infos
        if infos:
            rows.add(kept)
    if omitted:
        task.log(f"{omitted} windows are omitted: they end in a part of a multi-label sample that has no label")
    return ComputedFeatures(rows.rows(), windows, frames, bins, frozenset(deleted))


def concatenate_features(parts: Sequence[ComputedFeatures], folder: Path) -> Floats:
    """Return the features of several blocks joined for each window, in a file of `folder` where they are many.

    Raises ApiError if the windows differ.
    """
    if len({len(part.windows) for part in parts}) > 1:
        raise ApiError("The processing blocks give different numbers of windows; give them the same input block")
    return side_by_side([part.x for part in parts], folder)


def _labelled(sample: Sample, features: Floats, block: ProcessingBlock) -> tuple[Floats, list[WindowInfo]]:
    """Return the labelled windows of a sample."""
    infos = describe_windows(sample, len(features), block.window)
    kept = [index for index, info in enumerate(infos) if info.label]
    if len(kept) == len(infos):
        return features, infos
    return features[kept], [infos[index] for index in kept]


def _read_all(task: Task, block: ProcessingBlock, samples: Sequence[Sample]) -> Iterator[tuple[Sample, Floats | None]]:
    """Yield samples with the features of all their windows; None for one that was deleted in the meantime."""
    deleted = 0
    with closing(FeatureCache(task.data)) as cache:
        cache.trim()
        for number, sample in enumerate(samples, 1):
            features = _read(task.store, cache, block, sample)
            deleted += features is None
            yield sample, features
            if number % REPORT_EVERY == 0 or number == len(samples):
                task.log(f"[{number}/{len(samples)}] {block.document['name']} features...")
        task.log(f"Features computed for {cache.misses - deleted} samples, {cache.hits} were cached")
    if deleted:
        task.log(f"{deleted} samples were deleted while this job ran")


def _read(store: Store, cache: FeatureCache, block: ProcessingBlock, sample: Sample) -> Floats | None:
    """Return the features of a sample; None if it was deleted in the meantime."""
    try:
        return cache.get(sample, block, partial(_compute, store, sample, block))
    except FileNotFoundError:
        require_deleted(store, sample)
        return None


def usable_samples(store: Store, project: int, category: str) -> list[Sample]:
    """Return the labelled samples of a category that are not disabled, in the order of their ids."""
    usable = (ENABLED, reads("label_type", "label_type != 'unlabeled'"))
    return store.samples.select(SampleFilter(project, category, usable, "id-asc"))


def _samples(store: Store, project: int, category: str) -> list[Sample]:
    samples = usable_samples(store, project, category)
    if not samples:
        raise ApiError(f"There are no labelled samples in the category {category}: upload some first")
    return samples


def _compute(store: Store, sample: Sample, block: ProcessingBlock) -> Floats:
    windows = windows_of(store, sample, block)
    if not len(windows):
        return np.empty((0, 0), np.float32)
    features = dsp.run_many(block.type, windows, block.frequency, block.version, **dict(block.config))
    return features.astype(np.float32)


def _label_table(windows: Sequence[WindowInfo], labels: Sequence[str]) -> npt.NDArray[np.int32]:
    """Return a row for each window: label index from 1, sample id, start and end in ms."""
    index = {label: number for number, label in enumerate(labels, 1)}
    rows = [(index[w.label], w.sample, round(w.start_ms), round(w.end_ms)) for w in windows]
    return np.array(rows, np.int32).reshape(-1, 4)


def _summary(computed: ComputedFeatures, block: ProcessingBlock, labels: Sequence[str]) -> dict[str, Any]:
    counts: dict[int, int] = {}
    for window in computed.windows:
        counts[window.sample] = counts.get(window.sample, 0) + 1
    return {
        "labels": list(labels),
        "windowCount": len(computed.windows),
        "featureCount": computed.frames * computed.bins,
        "frames": computed.frames,
        "bins": computed.bins,
        "parameters": dict(block.config),
        "samples": list(counts.items()),
        "settingsHash": block.settings_hash,
    }


def _counts(windows: Sequence[WindowInfo]) -> str:
    names = [window.label for window in windows]
    return json.dumps({label: names.count(label) for label in sorted(set(names))}, ensure_ascii=False)
