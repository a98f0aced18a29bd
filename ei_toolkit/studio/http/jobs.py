"""Jobs and their logs as Edge Impulse's API describes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import PlainTextResponse, Response

from ei_toolkit.studio.http.request import Deployer, DeploymentReader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.schema import Flag, Integer, Page
from ei_toolkit.studio.jobs.process import LogEntry
from ei_toolkit.studio.store.jobs import Job


def job_answer(job: Job) -> dict[str, Any]:
    """Return a `Job`; one without `finished` is queued or running."""
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


def log_answer(entries: Sequence[LogEntry], total: int) -> dict[str, Any]:
    """Return the fields of a `LogStdoutResponse`."""
    lines = [{"created": entry.created, "data": entry.data, "logLevel": entry.level} for entry in entries]
    return {"stdout": lines, "totalCount": total}


def queue(context: RequestContext, kind: str, key: str, category: str, spec: Mapping[str, Any]) -> Job:
    """Store a job and notify the runner."""
    job = context.store.jobs.add(context.project, kind, key, category, spec)
    context.studio.runner.notify()
    return job


def started(job: Job) -> Response:
    """Return the response to a started job."""
    return answer({"id": job.id})


router = APIRouter(prefix="/v1/api/{projectId:int}/jobs")
MOST_LINES = 1000


class JobsQuery(Page):
    """A page of jobs that were created between two dates."""

    start_date: str = ""
    end_date: str = "9999"
    key: str | None = None


PageOfJobs = Annotated[JobsQuery, Query()]


@router.get("")
def list_active_jobs(context: DeploymentReader, query: PageOfJobs) -> Response:
    """List the jobs that are queued or running."""
    return _page(context, query, active=True)


@router.get("/history")
def list_finished_jobs(context: DeploymentReader, query: PageOfJobs) -> Response:
    """List the finished jobs."""
    return _page(context, query, active=False)


@router.get("/all")
def list_all_jobs(context: DeploymentReader, query: PageOfJobs) -> Response:
    """List all jobs."""
    return _page(context, query, active=None)


@router.get("/summary")
def get_jobs_summary(context: DeploymentReader, startDate: str = "", endDate: str = "9999") -> Response:
    """Return the compute time of the jobs of each category, in ms."""
    jobs, _ = context.store.jobs.page(context.project, active=None, since=startDate, until=endDate)
    lengths: Counter[str] = Counter()
    for job in jobs:
        lengths[job.category] += round(1000 * (job.seconds or 0))
    return answer({"summary": [{"category": name, "lengthMs": ms} for name, ms in lengths.items()]})


@router.get("/{jobId:int}/status")
def get_job_status(jobId: int, context: DeploymentReader) -> Response:
    """Return the state of a job."""
    return answer({"job": job_answer(context.store.jobs.get(context.project, jobId))})


@router.get("/{jobId:int}/stdout")
def get_jobs_logs(
    jobId: int,
    context: DeploymentReader,
    limit: Annotated[Integer, Field(ge=0)] = MOST_LINES,
    logLevel: str = "all",
) -> Response:
    """Return the last lines of a job's log, newest first."""
    job = context.store.jobs.get(context.project, jobId)
    lines = min(limit or MOST_LINES, MOST_LINES)
    return answer(log_answer(*context.studio.runner.log(job.id).newest(lines, logLevel)))


@router.get("/{jobId:int}/stdout/download")
def download_jobs_logs(jobId: int, context: DeploymentReader) -> Response:
    """Return a job's whole log as text, oldest line first."""
    job = context.store.jobs.get(context.project, jobId)
    return PlainTextResponse("".join(entry.data for entry in context.studio.runner.log(job.id).entries()))


@router.post("/{jobId:int}/cancel")
def cancel_job(jobId: int, context: Deployer, forceCancel: Flag = False) -> Response:
    """Cancel a job and end its process."""
    job = context.store.jobs.get(context.project, jobId)
    context.studio.runner.cancel(job, force=forceCancel)
    return answer()


def _page(context: RequestContext, query: JobsQuery, *, active: bool | None) -> Response:
    jobs, total = context.store.jobs.page(
        context.project,
        active=active,
        limit=query.limit,
        offset=query.offset,
        since=query.start_date,
        until=query.end_date,
        key=query.key,
    )
    return answer({"jobs": [job_answer(job) for job in jobs], "totalJobCount": total})
