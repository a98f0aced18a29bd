"""The one waiter: follows a job to its end, through cuts of the network, and never takes a failure for success."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ei_toolkit.api.endpoint import is_loopback
from ei_toolkit.api.jobs.job import Job, LogReader, job_status
from ei_toolkit.api.jobs.live import Bell
from ei_toolkit.api.project import Studio
from ei_toolkit.errors import ApiError, JobFailed, NetworkError

LOUD_S = 0.2  # least time between two looks at a log that grows all the time
LIVE_S = 10.0  # a look now and then even though the socket is up
POLL_S = (0.3, 2.5)  # between looks without a socket: first, at most
BRIDGE_S = 90.0  # how long a network may be cut while a job runs
LOCAL_BRIDGE_S = 15.0  # on this machine there is no network to be cut, only a studio that is gone or busy
TAIL = 15  # lines of the log that a failure shows


@dataclass(frozen=True)
class Listener:
    """Who is told. `line` gets every log line without its end, `note` what happens to the watching itself."""

    line: Callable[[str], None]
    note: Callable[[str], None]


def wait_for(studio: Studio, job: int, listener: Listener, *, timeout_s: float | None = None) -> Job:
    """Follow a job until it ends and return it.

    Raises JobFailed where it ends without success or not within `timeout_s` (it goes on running), and NetworkError
    where the studio cannot be reached for longer than a cut of the network lasts.
    """
    lines = _Lines(listener)
    log = LogReader(studio, job)
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    with _bell(studio, job) as bell:
        pause = POLL_S[0]
        last_heard, is_cut = time.monotonic(), False
        patience = LOCAL_BRIDGE_S if is_loopback(studio.transport.endpoint.api_url) else BRIDGE_S
        while True:
            try:
                found = job_status(studio, job)
                grown = lines.add(log.fresh())
                last_heard, is_cut = time.monotonic(), False
            except ApiError as error:
                if not _may_pass(error) or time.monotonic() - last_heard > patience:
                    raise
                if not is_cut:
                    listener.note(f"{error.what}; the job goes on, trying again")
                is_cut = True
                time.sleep(1.0)
                continue
            if found.finished:
                lines.end()
                return _ended(found, lines)
            if deadline is not None and time.monotonic() > deadline:
                raise _late(found, timeout_s or 0.0)
            pause = POLL_S[0] if grown else min(pause * 1.5, POLL_S[1])
            if bell.wait(LIVE_S if bell.live else pause):
                time.sleep(LOUD_S)


def _may_pass(error: ApiError) -> bool:
    """Whether the job may still run: no answer at all, or a server that stumbles."""
    return isinstance(error, NetworkError) or (error.status or 0) >= 500


class _Lines:
    """Log entries made into lines; remembers the last ones."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._open = ""
        self.tail: deque[str] = deque(maxlen=TAIL)

    def add(self, entries: list[str]) -> bool:
        """Tell the lines that are complete; whether there was anything."""
        *complete, self._open = (self._open + "".join(entries)).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in complete:
            self._tell(line)
        return bool(entries)

    def end(self) -> None:
        """Tell what is left."""
        if self._open:
            self._tell(self._open)
        self._open = ""

    def _tell(self, line: str) -> None:
        if line.strip():
            self.tail.append(line)
        self._listener.line(line)


def whole_log(job: int) -> str:
    """The hint of a job that failed; of no use where the whole log was just shown."""
    return f"The whole log: eitk jobs follow {job}"


def _ended(job: Job, lines: _Lines) -> Job:
    if not job.succeeded:
        raise JobFailed(
            f"job {job.id} ({job.category or 'unnamed'}) failed",
            hint=whole_log(job.id),
            log=tuple(lines.tail),
        )
    return job


def _late(job: Job, timeout_s: float) -> JobFailed:
    return JobFailed(
        f"job {job.id} ({job.category}) was not done within {timeout_s:g} s",
        why="it goes on in the studio",
        hint=f"eitk jobs follow {job.id}, or eitk jobs cancel {job.id}",
    )


@contextmanager
def _bell(studio: Studio, job: int) -> Iterator[Bell]:
    bell = Bell(studio, job)
    try:
        yield bell
    finally:
        bell.close()
