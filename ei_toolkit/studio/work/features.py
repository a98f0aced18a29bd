"""Features: every enabled sample of a category through one processing block."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
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
from ei_toolkit.studio.work.windows import WindowName, name_windows, windows_of

Floats = npt.NDArray[np.float32]
REPORT_EVERY = 200  # samples


@dataclass(frozen=True)
class Computed:
    """Features of one category: (n, features) float32, and a name for each of the n windows."""

    x: Floats
    windows: list[WindowName]
    frames: int
    bins: int


def generate_features(task: Task) -> None:
    """The job: training features of one block, stored for training and download."""
    block = processing_block(task.store, task.project, int(task.job.spec["dsp"]))
    store_features(task, block, "training")


def store_features(task: Task, block: ProcessingBlock, category: str) -> Computed:
    """Compute and store the features of a category; says in the log what it does."""
    task.say(f"Creating windows from {category} files...")
    computed = compute_features(task, block, category)
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


def compute_features(task: Task, block: ProcessingBlock, category: str) -> Computed:
    """Features of all enabled, labelled samples of a category, in the order of their ids."""
    frames, bins = dsp.output_shape(
        block.type, block.window_samples, block.frequency, block.version, **dict(block.config)
    )
    samples = _samples(task.store, task.project, category)
    parts, windows = [np.empty((0, frames * bins), np.float32)], []
    with closing(FeatureCache(task.data)) as cache:
        cache.trim()
        for number, sample in enumerate(samples, 1):
            features = cache.get(sample, block, partial(_compute, task.store, sample, block))
            if len(features):
                parts.append(features)
            windows += name_windows(sample, len(features), block.window)
            if number % REPORT_EVERY == 0 or number == len(samples):
                task.say(f"[{number}/{len(samples)}] {block.document['name']} features...")
        task.say(f"Features computed for {cache.misses} samples, {cache.hits} were known already")
    return Computed(np.concatenate(parts), windows, frames, bins)


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
