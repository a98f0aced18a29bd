"""Compare the manifest with the samples in the studio, and add the metadata of single windows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ei_toolkit.client.project import Studio
from ei_toolkit.client.samples import BATCH_IDS, CATEGORIES, Sample, add_metadata, delete_samples, list_samples
from ei_toolkit.client.upload.ingestion import BatchKey, Item
from ei_toolkit.client.upload.ledger import Entry, Ledger
from ei_toolkit.config.migration import RENAMED_COLUMNS
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.dataset.window_store import WindowReader
from ei_toolkit.errors import CredentialError

NAME = re.compile(r".+\.[0-9a-f]{12}")  # as `eitk slice` names windows: the end is of the hash of their bytes
CLIP = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Difference:
    """The manifest compared with the studio. `moved`: in another category or with another label."""

    missing: tuple[Window, ...]
    present: tuple[tuple[Window, Sample], ...]
    moved: tuple[tuple[Window, Sample], ...]
    foreign: tuple[Sample, ...]


def server_samples(studio: Studio) -> list[Sample]:
    """Return all samples for training, validation and testing."""
    return [sample for category in CATEGORIES for sample in list_samples(studio, category)]


def visible_samples(studio: Studio) -> list[Sample] | None:
    """Return all samples; None where the key may upload but not read them. The studio then reports duplicates."""
    try:
        return server_samples(studio)
    except CredentialError:
        return None


def difference(manifest: Manifest, samples: Iterable[Sample]) -> Difference:
    """Compare by name. A window's file name contains the hash of its bytes, so equal names have equal contents."""
    by_name = {sample.name: sample for sample in samples}
    missing: list[Window] = []
    present: list[tuple[Window, Sample]] = []
    moved: list[tuple[Window, Sample]] = []
    for window in manifest.windows:
        sample = by_name.pop(Path(window.file).stem, None)
        if sample is None:
            missing.append(window)
        elif is_in_place(window, sample):
            present.append((window, sample))
        else:
            moved.append((window, sample))
    return Difference(tuple(missing), tuple(present), tuple(moved), tuple(by_name.values()))


def misplaced(manifest: Manifest, samples: Iterable[Sample]) -> list[Sample]:
    """Return samples whose clip the manifest has in other splits only: it would be trained on and tested."""
    windows = {Path(window.file).stem: window.clip_sha256 for window in manifest.windows}
    splits: dict[str, set[str]] = {}
    for window in manifest.windows:
        splits.setdefault(window.clip_sha256, set()).add(window.split)
    clips = ((s, windows.get(s.name) or dict(s.metadata).get("clip_sha256", "")) for s in samples)
    return [sample for sample, clip in clips if clip in splits and sample.category not in splits[clip]]


def removable(manifest: Manifest, samples: Iterable[Sample]) -> list[Sample]:
    """Misplaced samples that the manifest no longer has and that eitk uploaded, such as augmented copies."""
    names = {Path(window.file).stem for window in manifest.windows}
    return [s for s in misplaced(manifest, samples) if s.name not in names and _is_from_eitk(s)]


def remove_misplaced(studio: Studio, manifest: Manifest) -> int:
    """Delete the removable samples that the studio has now; return their number."""
    chosen = removable(manifest, server_samples(studio))
    delete_samples(studio, [sample.id for sample in chosen])
    return len(chosen)


def _is_from_eitk(sample: Sample) -> bool:
    """Whether a sample has the name and the metadata that only `eitk upload` gives."""
    metadata = dict(sample.metadata)
    named = NAME.fullmatch(sample.name) and CLIP.fullmatch(metadata.get("clip_sha256", ""))
    return bool(named and metadata.get("clip"))


def is_in_place(window: Window, sample: Sample) -> bool:
    """Return whether a sample is in the split, and has the label, of its window in the manifest."""
    return sample.category == window.split and sample.label == window.label


MetadataByFile = Mapping[str, Mapping[str, str]]


def group_into_batches(windows: Sequence[Window], metadata: MetadataByFile) -> Mapping[BatchKey, list[Window]]:
    """Return the windows by what the headers of a request state for all of its files."""
    batches: dict[BatchKey, list[Window]] = {}
    for window in windows:
        batches.setdefault(batch_key(window, metadata.get(window.file, {})), []).append(window)
    return batches


def batch_key(window: Window, more: Mapping[str, str] | None = None) -> BatchKey:
    """Return category, label and the metadata that all windows of a clip share; `annotate` adds the rest."""
    metadata = {**(more or {}), "artist": window.group, "clip": window.clip, "clip_sha256": window.clip_sha256}
    return BatchKey(window.split, window.label, tuple(sorted((k, v) for k, v in metadata.items() if v)))


def item_of(window: Window, reader: WindowReader, ranges: Sequence[Mapping[str, Any]] = ()) -> Item:
    """Return the file to send for a window, with its structured labels."""
    return Item(window.file, partial(reader.file, window), window.sha256, ranges)


CONCURRENT_REQUESTS = 4
AUGMENTATION = "augmentation"  # metadata key, named as the column of the manifest
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(-\d+(\.\d+)?)?")


def own_metadata(window: Window) -> Mapping[str, str]:
    """A window's start, and the kinds of its augmentation; the manifest has the exact values."""
    kinds = NUMBER.sub("", window.augmentation).strip()
    return {"start_ms": str(window.start_ms), **({AUGMENTATION: kinds} if kinds else {})}


def is_annotated(window: Window, sample: Sample) -> bool:
    """Whether the server has a window's own metadata, under the present keys or those of versions before 0.3."""
    metadata = {RENAMED_COLUMNS.get(key, key): value for key, value in sample.metadata}
    return own_metadata(window).items() <= metadata.items()


def annotate(studio: Studio, manifest: Manifest, ledger: Ledger) -> int:
    """Add to each sample the metadata of its window; return the number of windows. It can be repeated.

    Raises CredentialError where the key may upload but not change samples.
    """
    entries = ledger.entries()
    unannotated: list[Entry] = []
    samples: dict[tuple[str, str, str], list[int]] = {}
    for window in manifest.windows:
        entry = entries.get(window.sha256)
        if entry is None or entry.state != "done" or entry.sample is None or entry.annotated:
            continue
        unannotated.append(entry)
        for key, value in own_metadata(window).items():
            samples.setdefault((window.split, key, value), []).append(entry.sample)
    _add_all(studio, samples)
    ledger.record(Entry(e.sha256, e.file, "done", e.sample, "", True) for e in unannotated)
    return len(unannotated)


def _add_all(studio: Studio, samples: Mapping[tuple[str, str, str], Sequence[int]]) -> None:
    """Add the samples of each (split, key, value), key by key: no sample is changed by two requests at once."""
    with ThreadPoolExecutor(CONCURRENT_REQUESTS, "annotate") as pool:
        for current in dict.fromkeys(key for _, key, _ in samples):
            requests = [
                pool.submit(add_metadata, studio, category, ids[start : start + BATCH_IDS], key, value)
                for (category, key, value), ids in samples.items()
                if key == current
                for start in range(0, len(ids), BATCH_IDS)
            ]
            for future in as_completed(requests):
                future.result()
