"""Jobs and their logs as Edge Impulse describes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ei_toolkit.studio.jobs.log import Entry
from ei_toolkit.studio.store.jobs import Job


def job_answer(job: Job) -> dict[str, Any]:
    """A `Job`; one without `finished` is still under way."""
    fields: dict[str, Any] = {
        "id": job.id,
        "category": job.category,
        "categoryKey": job.kind,
        "key": job.key,
        "created": job.created,
        "jobNotificationUids": [],
    }
    if job.started:
        fields["started"] = job.started
    if job.finished:
        fields |= {"finished": job.finished, "finishedSuccessful": bool(job.success)}
    if job.seconds is not None:
        fields["computeTime"] = round(job.seconds, 3)
    if job.reason:
        fields["additionalInfo"] = job.reason
    return fields


def log_answer(entries: Sequence[Entry], total: int) -> dict[str, Any]:
    """Fields of a `LogStdoutResponse`."""
    lines = [{"created": entry.created, "data": entry.data, "logLevel": entry.level} for entry in entries]
    return {"stdout": lines, "totalCount": total}
