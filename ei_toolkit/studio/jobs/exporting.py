"""Cloning: the copy is made when the job is queued; the job says that it is there."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ei_toolkit.studio.jobs.task import Task
from ei_toolkit.studio.jobs.windows import require_deleted
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.store.samples import Sample


def report_clone(task: Task) -> None:
    """The job: name the copy."""
    impulse = task.store.blocks.get(task.project, int(task.job.spec["impulse"]))
    task.say(f"Impulse {task.job.spec['source']} was cloned to {impulse.id} ({impulse.name})")


def export(task: Task) -> None:
    """The job: write the zip and store it."""
    with task.scratch() as folder:
        path = folder / "export.zip"
        count = write_export(task.store, task.project, path, task.say)
        blob = task.store.blobs.put_file(path)
    task.store.artifacts.put_result(task.project, "export", 0, blob)
    task.say(f"Exported {count} samples")


def write_export(store: Store, project: int, out: Path, say: Callable[[str], None] | None = None) -> int:
    """Write all samples of a project and their `info.labels`; returns how many there are.

    Samples that are deleted meanwhile are left out, and `say` hears of it.
    """
    samples = store.samples.select(SampleFilter(project, sort_by="id-asc"))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        named = zip(samples, _names(samples), strict=True)
        written = [(sample, name) for sample, name in named if _write(store, archive, sample, name)]
        archive.writestr("info.labels", json.dumps(info_labels(written), ensure_ascii=False, indent=1))
    if say and (deleted := len(samples) - len(written)):
        say(f"{deleted} samples were deleted while this ran")
    return len(written)


def info_labels(named: Iterable[tuple[Sample, str]]) -> dict[str, Any]:
    """The document that the command-line uploader and the SDK read, of samples and their paths in the zip."""
    return {"version": 1, "files": [_entry(sample, name) for sample, name in named]}


def _write(store: Store, archive: zipfile.ZipFile, sample: Sample, name: str) -> bool:
    """Add a sample to the zip; False for one that was deleted meanwhile."""
    try:
        archive.writestr(name, store.byte_range(sample).read())
    except FileNotFoundError:
        require_deleted(store, sample)
        return False
    return True


def _names(samples: Iterable[Sample]) -> Iterator[str]:
    """A path for each sample; a name that occurs twice gets the sample's id."""
    taken: set[str] = set()
    for sample in samples:
        stem = sample.filename.replace("/", "_").replace("\\", "_").lstrip(".") or "sample"
        name = f"{sample.category}/{stem}{sample.suffix}"
        if name in taken:
            name = f"{sample.category}/{stem}.{sample.id}{sample.suffix}"
        taken.add(name)
        yield name


def _entry(sample: Sample, path: str) -> dict[str, Any]:
    entry = {"path": path, "name": sample.filename, "category": sample.category, "label": _label(sample)}
    metadata = {"metadata": dict(sample.metadata)} if sample.metadata else {}
    return {**entry, **metadata, "boundingBoxes": []}


def _label(sample: Sample) -> dict[str, Any]:
    if sample.label_type == "multi-label":
        return {"type": "multi-label", "labels": [dict(label) for label in sample.structured_labels or ()]}
    return {"type": "unlabeled"} if sample.label_type == "unlabeled" else {"type": "label", "label": sample.label}
