"""Jobs that save the state of a project as a version, and that restore one."""

from __future__ import annotations

import json

from ei_toolkit.impulse.trained_model import VARIANTS
from ei_toolkit.studio.http.classify import accuracy
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs.task import Task
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.store.versions import Version


def save_version(task: Task) -> None:
    """Job: save the state of the project."""
    saved = _save(task, str(task.job.spec["description"]))
    task.log(f"Saved version {saved.version}: {saved.samples} samples")


def restore_version(task: Task) -> None:
    """Job: replace the state of the project by a version. A state with samples or an impulse is saved before."""
    store, project = task.store, task.project
    source = store.versions.get(int(task.job.spec["source"]), int(task.job.spec["version"]))
    if store.samples.count(SampleFilter(project)) or store.blocks.impulses(project):
        if source.project != project:
            raise ApiError("The project is not empty: a version of another project is restored into an empty one only")
        saved = _save(task, f"Saved before version {source.version} was restored")
        task.log(f"Saved the state of the project as version {saved.version}")
    count = store.versions.restore(source, project, store.blobs.read)
    task.log(f"Restored version {source.version}: {count} samples")


def _save(task: Task, description: str) -> Version:
    return task.store.versions.save(task.project, description, _accuracies(task), task.store.blobs.put)


def _accuracies(task: Task) -> tuple[float | None, float | None]:
    """Return the accuracy in training and that on the test set, of the first variant that has them."""
    impulse = task.store.blocks.find(task.project)
    if impulse is None:
        return None, None
    blocks = impulse.blocks("learnBlocks")
    model = task.store.artifacts.model(task.project, blocks[0]["id"]) if blocks else None
    figures = model.summary.get("variants", {}) if model else {}
    trained = next((float(figures[name]["accuracy"]) for name in VARIANTS if name in figures), None)
    results = (task.store.artifacts.result(task.project, "classify", impulse.id, name) for name in VARIANTS)
    tested = next((blob for blob in results if blob), None)
    return trained, accuracy(json.loads(task.store.blobs.read(tested)))["accuracyScore"] if tested else None
