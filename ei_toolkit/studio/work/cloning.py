"""Cloning: the copy is made when the job is queued; the job says that it is there."""

from __future__ import annotations

from ei_toolkit.studio.work.task import Task


def report_clone(task: Task) -> None:
    """The job: name the copy."""
    impulse = task.store.blocks.get(task.project, int(task.job.spec["impulse"]))
    task.say(f"Impulse {task.job.spec['source']} was cloned to {impulse.id} ({impulse.name})")
