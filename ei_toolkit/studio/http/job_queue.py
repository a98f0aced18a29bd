"""Putting a job into the queue, from a route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from ei_toolkit.studio.http.request import RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.store.jobs import Job


def queue(context: RequestContext, kind: str, key: str, category: str, spec: Mapping[str, Any]) -> Job:
    """Write a job down and have the runner look."""
    job = context.store.jobs.add(context.project, kind, key, category, spec)
    context.studio.runner.wake()
    return job


def started(job: Job) -> Response:
    """The answer to a started job."""
    return answer({"id": job.id})
