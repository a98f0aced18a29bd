"""Features: every enabled sample of a category through one processing block."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit import dsp
from ei_toolkit.studio.impulse import ProcessingBlock, processing_block
from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.artifacts import Features
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.store.samples import Sample
from ei_toolkit.studio.work.cache import FeatureCache
from ei_toolkit.studio.work.task import Task
from ei_toolkit.studio.work.windows import WindowName, name_windows, require_deleted, windows_of

Floats = npt.NDArray[np.float32]
REPORT_EVERY = 200  # samples


@dataclass(frozen=True)
class Computed:
    """Features of one category: (n, features) float32, and a name for each of the n windows."""

    x: Floats
    windows: list[WindowName]
    frames: int
    bins: int
    deleted: frozenset[int] = frozenset()  # samples that were gone when they were to be read

    def without(self, samples: frozenset[int]) -> Computed:
        """The same without the windows of some samples."""
        kept = [index for index, window in enumerate(self.windows) if window.sample not in samples]
        if len(kept) == len(self.windows):
            return self
        return replace(self, x=self.x[kept], windows=[self.windows[index] for index in kept])


def generate_features(task: Task) -> None:
    """The job: training features of one block, stored for training and download."""
    block = processing_block(task.store, task.project, int(task.job.spec["dsp"]))
    store_features(task, block, "training", _samples(task.store, task.project, "training"))


def features_side_by_side(task: Task, blocks: Sequence[ProcessingBlock], category: str) -> list[Computed]:
    """Store the features of several blocks; returns them of the same samples, even if some are deleted meanwhile."""
    if not blocks:
        raise Refusal("The learn block reads no processing block")
    samples = _samples(task.store, task.project, category)
    parts = [store_features(task, block, category, samples) for block in blocks]
    deleted = frozenset(sample for part in parts for sample in part.deleted)
    return [part.without(deleted) for part in parts]


def store_features(task: Task, block: ProcessingBlock, category: str, samples: Sequence[Sample]) -> Computed:
    """Compute and store the features of a category; says in the log what it does."""
    task.say(f"Creating windows from {category} files...")
    computed = compute_features(task, block, samples)
    labels = sorted({window.label for window in computed.windows})
    with task.scratch() as folder:
        x, y = folder / "x.npy", folder / "y.npy"
        np.save(x, computed.x)
        np.save(y, _label_table(computed.windows, labels))
        x_blob, y_blob = (task.store.blobs.put_file(path) for path in (x, y))
    summary = _summary(computed, block, labels)
    task.store.artifacts.put_features(task.project, Features(block.id, category, x_blob, y_blob, summary, ""))
    task.say(f"Created {len(computed.windows)} windows: {_counts(computed.windows)}")
    task.say("Creating features OK")
    return computed


def compute_features(task: Task, block: ProcessingBlock, samples: Sequence[Sample]) -> Computed:
    """Features of the labelled windows of samples, in their order; says in the log what is left out."""
    frames, bins = dsp.output_shape(
        block.type, block.window_samples, block.frequency, block.version, **dict(block.config)
    )
    read, deleted = _read_all(task, block, samples)
    labelled = [_labelled(sample, features, block) for sample, features in read]
    windows = [name for _, names in labelled for name in names]
    if left_out := sum(len(features) for _, features in read) - len(windows):
        task.say(f"{left_out} windows are left out: nothing labels their part of a multi-label sample")
    empty = np.empty((0, frames * bins), np.float32)
    x = np.concatenate([empty, *(features for features, names in labelled if names)])
    return Computed(x, windows, frames, bins, deleted)


def _labelled(sample: Sample, features: Floats, block: ProcessingBlock) -> tuple[Floats, list[WindowName]]:
    """Those windows of a sample that have a label."""
    names = name_windows(sample, len(features), block.window)
    kept = [index for index, name in enumerate(names) if name.label]
    if len(kept) == len(names):
        return features, names
    return features[kept], [names[index] for index in kept]


def _read_all(
    task: Task, block: ProcessingBlock, samples: Sequence[Sample]
) -> tuple[list[tuple[Sample, Floats]], frozenset[int]]:
    """Samples with the features of all their windows, and the ids of those that were deleted meanwhile."""
    read: list[tuple[Sample, Floats]] = []
    with closing(FeatureCache(task.data)) as cache:
        cache.trim()
        for number, sample in enumerate(samples, 1):
            if (features := _read(task.store, cache, block, sample)) is not None:
                read.append((sample, features))
            if number % REPORT_EVERY == 0 or number == len(samples):
                task.say(f"[{number}/{len(samples)}] {block.document['name']} features...")
        deleted = frozenset(sample.id for sample in samples) - {sample.id for sample, _ in read}
        task.say(f"Features computed for {cache.misses - len(deleted)} samples, {cache.hits} were known already")
    if deleted:
        task.say(f"{len(deleted)} samples were deleted while this ran")
    return read, deleted


def _read(store: Store, cache: FeatureCache, block: ProcessingBlock, sample: Sample) -> Floats | None:
    """Features of a sample; None for one that was deleted meanwhile."""
    try:
        return cache.get(sample, block, partial(_compute, store, sample, block))
    except FileNotFoundError:
        require_deleted(store, sample)
        return None


def _samples(store: Store, project: int, category: str) -> list[Sample]:
    usable = (("disabled = 0", ()), ("label_type != 'unlabeled'", ()))
    samples = store.samples.select(SampleFilter(project, category, usable, "id-asc"))
    if not samples:
        raise Refusal(f"There are no labelled samples in the category {category}: upload some first")
    return samples


def _compute(store: Store, sample: Sample, block: ProcessingBlock) -> Floats:
    windows = windows_of(store, sample, block)
    if not len(windows):
        return np.empty((0, 0), np.float32)
    features = dsp.run_many(block.type, windows, block.frequency, block.version, **dict(block.config))
    return features.astype(np.float32)


def _label_table(windows: Sequence[WindowName], labels: Sequence[str]) -> npt.NDArray[np.int32]:
    """For each window: label index from 1, sample id, start and end in ms."""
    index = {label: number for number, label in enumerate(labels, 1)}
    rows = [(index[w.label], w.sample, round(w.start_ms), round(w.end_ms)) for w in windows]
    return np.array(rows, np.int32).reshape(-1, 4)


def _summary(computed: Computed, block: ProcessingBlock, labels: Sequence[str]) -> dict[str, Any]:
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
        "recipe": block.recipe,
    }


def _counts(windows: Sequence[WindowName]) -> str:
    names = [window.label for window in windows]
    return json.dumps({label: names.count(label) for label in sorted(set(names))}, ensure_ascii=False)
