"""Runs queued jobs, so many at a time for each project, and writes down how each one ended."""

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

STOPPED = "the studio was stopped while the job was running"


class Runner:
    """The job side of a studio. `start`, `cancel` and `log` may be called from any thread."""

    def __init__(self, options: Options, store: Store, hub: Hub) -> None:
        self.options, self.store, self.hub = options, store, hub
        self._processes: dict[int, JobProcess] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._cancelled: set[int] = set()
        self._wanted: asyncio.Event = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def log(self, job: int) -> JobLog:
        """The log of a job."""
        return JobLog(self.options.logs, job)

    @property
    def busy(self) -> bool:
        """Whether any job runs or waits."""
        return bool(self._tasks) or bool(self.store.jobs.queued())

    def wake(self) -> None:
        """Look at the queue again; a job was added or cancelled."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wanted.set)

    def cancel(self, job: Job, *, force: bool = False) -> None:
        """End a job: a waiting one never starts, a running one's process is ended."""
        if job.state == "queued" and self.store.jobs.finish_queued(job.id, "cancelled"):
            self._tell(lambda: self._say_cancelled(job.id))
        elif job.state != "finished":
            self._tell(lambda: self._stop_process(job.id, force))

    async def run(self) -> None:
        """Serve the queue until cancelled; then end what runs."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._bury_interrupted)
        try:
            while True:
                self._wanted.clear()
                await self._start_what_may()
                await self._wanted.wait()
        finally:
            await self._stop_all()

    def _tell(self, action: Callable[[], None]) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(action)

    def _stop_process(self, job: int, force: bool) -> None:
        if job in self._processes:
            self._processes[job].stop("cancelled", force=force)
        else:
            self._cancelled.add(job)  # its process is about to start

    def _bury_interrupted(self) -> None:
        for job in self.store.jobs.running():
            self.log(job.id).append(f"Job failed: {STOPPED}", "error")
            self.store.jobs.finish(job.id, success=False, reason=STOPPED)

    async def _start_what_may(self) -> None:
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
            self._hear(job.id, _last_words(success, reason))  # before the end, so that whoever sees it has all lines
            await asyncio.to_thread(self.store.jobs.finish, job.id, success=success, reason=reason, seconds=seconds)
            self.hub.publish_end(job.id, success)
        finally:
            self._cancelled.discard(job.id)
            self._processes.pop(job.id, None)
            self._tasks.pop(job.id, None)
            self._wanted.set()

    async def _run_process(self, job: Job) -> tuple[bool, str]:
        try:
            limit = await asyncio.to_thread(job_limit_s, self.store.projects, job.project, self.options.job_limit_s)
            process = await JobProcess.start(self.options.data, job.id)
        except (OSError, ApiError) as error:
            return False, f"its process could not be started: {error}"
        self._processes[job.id] = process
        if job.id in self._cancelled:
            process.stop("cancelled", force=True)
        code = await process.follow(lambda line: self._hear(job.id, line), limit)
        return code == 0 and not process.stop_reason, process.stop_reason or _why(code, process.last_line)

    def _hear(self, job: int, line: str) -> None:
        self.hub.publish_line(job, self.log(job).append(line).data)

    def _say_cancelled(self, job: int) -> None:
        self._hear(job, _last_words(False, "cancelled"))
        self.hub.publish_end(job, False)

    async def _stop_all(self) -> None:
        for process in self._processes.values():
            process.stop(STOPPED, force=True)
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=10)


def _last_words(success: bool, reason: str) -> str:
    return "Job completed (success)" if success else f"Job failed: {reason}"


def _why(code: int, last_line: str) -> str:
    if code == 0:
        return ""
    if code < 0:
        name = signal.Signals(-code).name
        return f"its process was ended by {name}" + (" (out of memory?)" if -code == signal.SIGKILL else "")
    return last_line.removeprefix("Error: ") or "its process said nothing"
