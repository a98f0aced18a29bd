"""`eitk jobs`: Jobs of the studio: list, follow, cancel."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ei_toolkit.cli.connection import connect
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.follow import Follower, OnInterrupt
from ei_toolkit.client.jobs.job import cancel_job, job_status, list_jobs
from ei_toolkit.client.jobs.wait import whole_log_hint
from ei_toolkit.client.project import Studio
from ei_toolkit.config.units import local_time
from ei_toolkit.errors import JobFailed
from ei_toolkit.report.tables import Table

group = typer.Typer(no_args_is_help=True, help="Jobs of the studio: list, follow, cancel.")


@group.command("list")
def list_(
    context: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Also jobs that have ended.")] = False,
    last: Annotated[int, typer.Option(min=1, help="Largest number of jobs to show.")] = 20,
) -> None:
    """List jobs that wait or run, newest first."""
    env = Environment.of(context)
    jobs = list_jobs(_studio(env), active=not all_, limit=last)[:last]
    rows = tuple(
        (job.id, job.state, job.category, local_time(job.started) or None, local_time(job.finished) or None)
        for job in jobs
    )
    data = [{**asdict(job), "state": job.state} for job in jobs]
    table = Table("", ("job", "state", "what", "started", "finished"), rows)
    env.console.result(data, table.rich() if rows else "no job waits or runs")


@group.command()
def follow(
    context: typer.Context,
    job: Annotated[int, typer.Argument(help="Number of the job.")],
    timeout: Annotated[float | None, typer.Option(min=0, help="Longest time to wait in seconds.")] = None,
    on_interrupt: Annotated[OnInterrupt, typer.Option(help="What happens to the job on Ctrl-C.")] = "detach",
) -> None:
    """Print the log of a job until it ends. Exit code 5 if it fails."""
    env = Environment.of(context)
    try:
        Follower(env, _studio(env), timeout, on_interrupt).print_log(job)
    except JobFailed as failed:
        failed.hint = failed.hint.replace(whole_log_hint(job), "")
        raise


@group.command()
def cancel(
    context: typer.Context,
    job: Annotated[int, typer.Argument(help="Number of the job.")],
    force: Annotated[bool, typer.Option("--force", help="Also cancel a job that does not react.")] = False,
) -> None:
    """Cancel a job. A job that has ended is not changed."""
    env = Environment.of(context)
    studio = _studio(env)
    found = job_status(studio, job)
    if not found.finished:
        cancel_job(studio, job, force=force)
    message = f"job {job} has already ended ({found.state})" if found.finished else f"job {job} was cancelled"
    env.console.result({"job": job, "cancelled": not found.finished}, message)


def _studio(env: Environment) -> Studio:
    return connect(env, env.config())
