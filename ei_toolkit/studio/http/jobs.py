"""Jobs and their logs as Edge Impulse describes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from ei_toolkit.studio.http.request import Deployer, DeploymentReader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.jobs.process import Entry
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


router = APIRouter(prefix="/v1/api/{projectId:int}/jobs")
MOST_LINES = 1000


@router.get("")
def list_active_jobs(context: DeploymentReader) -> Response:
    """Jobs that wait or run."""
    return _page(context, active=True)


@router.get("/history")
def list_finished_jobs(context: DeploymentReader) -> Response:
    """Jobs that are over."""
    return _page(context, active=False)


@router.get("/all")
def list_all_jobs(context: DeploymentReader) -> Response:
    """All jobs."""
    return _page(context, active=None)


@router.get("/summary")
def get_jobs_summary(context: DeploymentReader) -> Response:
    """How long the jobs of each category took."""
    since, until = context.query.text("startDate", ""), context.query.text("endDate", "9999")
    jobs, _ = context.store.jobs.page(context.project, active=None, since=since, until=until)
    lengths: Counter[str] = Counter()
    for job in jobs:
        lengths[job.category] += round(1000 * (job.seconds or 0))
    return answer({"summary": [{"category": name, "lengthMs": ms} for name, ms in lengths.items()]})


@router.get("/{jobId:int}/status")
def get_job_status(jobId: int, context: DeploymentReader) -> Response:
    """How a job is doing."""
    return answer({"job": job_answer(context.store.jobs.get(context.project, jobId))})


@router.get("/{jobId:int}/stdout")
def get_jobs_logs(jobId: int, context: DeploymentReader) -> Response:
    """The last lines of a job's log, newest first."""
    job = context.store.jobs.get(context.project, jobId)
    limit = min(context.query.integer("limit", MOST_LINES) or MOST_LINES, MOST_LINES)
    level = context.query.text("logLevel", "all")
    return answer(log_answer(*context.studio.runner.log(job.id).newest(max(limit, 0), level)))


@router.get("/{jobId:int}/stdout/download")
def download_jobs_logs(jobId: int, context: DeploymentReader) -> Response:
    """A job's whole log as text, oldest line first."""
    job = context.store.jobs.get(context.project, jobId)
    return PlainTextResponse("".join(entry.data for entry in context.studio.runner.log(job.id).entries()))


@router.post("/{jobId:int}/cancel")
def cancel_job(jobId: int, context: Deployer) -> Response:
    """End a job and its process."""
    job = context.store.jobs.get(context.project, jobId)
    context.studio.runner.cancel(job, force=context.query.flag("forceCancel", False))
    return answer()


def _page(context: RequestContext, *, active: bool | None) -> Response:
    limit, offset = context.query.page()
    since, until = context.query.text("startDate", ""), context.query.text("endDate", "9999")
    key = context.query.text("key") if context.query.has("key") else None
    jobs, total = context.store.jobs.page(
        context.project, active=active, limit=limit, offset=offset, since=since, until=until, key=key
    )
    return answer({"jobs": [job_answer(job) for job in jobs], "totalJobCount": total})
