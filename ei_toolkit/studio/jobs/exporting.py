"""Jobs that copy data: the export of a project as a zip, and the report of a cloned impulse."""

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
    """Job: log the names of a cloned impulse and its copy, which was made when the job was queued."""
    impulse = task.store.blocks.get(task.project, int(task.job.spec["impulse"]))
    task.log(f"Impulse {task.job.spec['source']} was cloned to {impulse.id} ({impulse.name})")


def export(task: Task) -> None:
    """Job: write all samples of the project to a zip and store it."""
    with task.scratch() as folder:
        path = folder / "export.zip"
        count = write_export(task.store, task.project, path, task.log)
        blob = task.store.blobs.put_file(path)
    task.store.artifacts.put_result(task.project, "export", 0, blob)
    task.log(f"Exported {count} samples")


def write_export(store: Store, project: int, out: Path, log: Callable[[str], None] | None = None) -> int:
    """Write all samples of a project and their `info.labels` to a zip; return the number of samples.

    Samples that are deleted in the meantime are omitted, and their number is passed to `log`.
    """
    samples = store.samples.select(SampleFilter(project, sort_by="id-asc"))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        named = zip(samples, _names(samples), strict=True)
        written = [(sample, name) for sample, name in named if _write(store, archive, sample, name)]
        archive.writestr("info.labels", json.dumps(info_labels(written), ensure_ascii=False, indent=1))
    if log and (deleted := len(samples) - len(written)):
        log(f"{deleted} samples were deleted while this job ran")
    return len(written)


def info_labels(named: Iterable[tuple[Sample, str]]) -> dict[str, Any]:
    """Return the document `info.labels`, which the official clients read, for samples and their paths in the zip."""
    return {"version": 1, "files": [_entry(sample, name) for sample, name in named]}


def _write(store: Store, archive: zipfile.ZipFile, sample: Sample, name: str) -> bool:
    """Add a sample to the zip; return False if it was deleted in the meantime."""
    try:
        archive.writestr(name, store.byte_range(sample).read())
    except FileNotFoundError:
        require_deleted(store, sample)
        return False
    return True


def _names(samples: Iterable[Sample]) -> Iterator[str]:
    """Yield a path for each sample. A name that occurred before is made unique with the sample's id."""
    taken: set[str] = set()
    for sample in samples:
        stem = sample.filename.replace("/", "_").replace("\\", "_").lstrip(".") or "sample"
        while (name := f"{sample.category}/{stem}{sample.suffix}") in taken:
            stem = f"{stem}.{sample.id}"
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
