"""Runs queued jobs, a limited number at a time for each project, and stores how each one ended."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs.process import JobLog, JobProcess
from ei_toolkit.studio.live.hub import Hub
from ei_toolkit.studio.options import Options
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.jobs import Job
from ei_toolkit.studio.store.projects import job_limit_s
from ei_toolkit.system import was_killed

CANCELLED = "cancelled"
STOPPED = "the studio was stopped while the job was running"


class Runner:
    """Runs the jobs of a studio. `notify`, `cancel` and `log` may be called from any thread."""

    def __init__(self, options: Options, store: Store, hub: Hub) -> None:
        self.options, self.store, self.hub = options, store, hub
        self._processes: dict[int, JobProcess] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._cancelled: set[int] = set()
        self._is_stopping = False
        self._queue_changed: asyncio.Event = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def log(self, job: int) -> JobLog:
        """Return the log of a job."""
        return JobLog(self.options.logs, job)

    @property
    def busy(self) -> bool:
        """Whether any job is running or queued."""
        return bool(self._tasks) or bool(self.store.jobs.queued())

    def notify(self) -> None:
        """Report that the queue has changed: a job was added or cancelled."""
        self._call_in_loop(self._queue_changed.set)

    def cancel(self, job: Job, *, force: bool = False) -> None:
        """Cancel a job: a queued job does not start; the process of a running job is ended."""
        if job.state == "queued" and self.store.jobs.finish_queued(job.id, CANCELLED):
            self._call_in_loop(lambda: self._log_cancelled(job.id))
        elif job.state != "finished":
            self._call_in_loop(lambda: self._stop_process(job.id, force))

    async def run(self) -> None:
        """Run queued jobs until this task is cancelled; then end the running jobs."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._fail_interrupted)
        try:
            while True:
                self._queue_changed.clear()
                await self._start_queued()
                await self._queue_changed.wait()
        finally:
            await self._stop_all()

    def _call_in_loop(self, action: Callable[[], None]) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(action)

    def _stop_process(self, job: int, force: bool) -> None:
        if job in self._processes:
            self._processes[job].stop(CANCELLED, force=force)
        else:
            self._cancelled.add(job)  # the process has not started yet

    def _fail_interrupted(self) -> None:
        for job in self.store.jobs.running():
            self.log(job.id).append(f"Job failed: {STOPPED}", "error")
            self.store.jobs.finish(job.id, success=False, reason=STOPPED)

    async def _start_queued(self) -> None:
        running = Counter(job.project for job in await asyncio.to_thread(self.store.jobs.running))
        for job in await asyncio.to_thread(self.store.jobs.queued):
            if running[job.project] < self.options.jobs_per_project and await asyncio.to_thread(
                self.store.jobs.start, job.id
            ):
                running[job.project] += 1
                self._tasks[job.id] = asyncio.create_task(self._run_job(replace(job, state="running")))

    async def _run_job(self, job: Job) -> None:
        started = time.monotonic()
        try:
            success, reason = await self._run_process(job)
            seconds = time.monotonic() - started
            self._log_line(job.id, _final_line(success, reason))  # Before the end is stored: then the log is complete.
            await asyncio.to_thread(self.store.jobs.finish, job.id, success=success, reason=reason, seconds=seconds)
            self.hub.publish_end(job.id, success)
        finally:
            self._cancelled.discard(job.id)
            self._processes.pop(job.id, None)
            self._tasks.pop(job.id, None)
            self._queue_changed.set()

    async def _run_process(self, job: Job) -> tuple[bool, str]:
        try:
            limit = await asyncio.to_thread(job_limit_s, self.store.projects, job.project, self.options.job_limit_s)
            process = await JobProcess.start(self.options.data, job.id, allow_scripts=self.options.allow_scripts)
        except (OSError, ApiError) as error:
            return False, f"its process could not be started: {error}"
        self._processes[job.id] = process
        if job.id in self._cancelled:
            process.stop(CANCELLED, force=True)
        elif self._is_stopping:  # since before the process existed
            process.stop(STOPPED, force=True)
        try:
            code = await process.follow(lambda line: self._log_line(job.id, line), limit)
        finally:  # follow has killed the whole process group
            await asyncio.to_thread(self.store.blobs.delete_incoming_of, job.id, process.process.pid)
        return code == 0 and not process.stop_reason, process.stop_reason or _failure_reason(code, process.last_line)

    def _log_line(self, job: int, line: str) -> None:
        self.hub.publish_line(job, self.log(job).append(line).data)

    def _log_cancelled(self, job: int) -> None:
        self._log_line(job, _final_line(False, CANCELLED))
        self.hub.publish_end(job, False)

    async def _stop_all(self) -> None:
        self._is_stopping = True
        for process in self._processes.values():
            process.stop(STOPPED, force=True)
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=10)


def _final_line(success: bool, reason: str) -> str:
    if success:
        return "Job completed (success)"
    return "Job cancelled" if reason == CANCELLED else f"Job failed: {reason}"


def _failure_reason(code: int, last_line: str) -> str:
    if code == 0:
        return ""
    if code < 0:
        name = signal.Signals(-code).name
        return f"its process was ended by {name}" + (" (out of memory?)" if was_killed(code) else "")
    return last_line.removeprefix("Error: ") or "its process ended without output"
