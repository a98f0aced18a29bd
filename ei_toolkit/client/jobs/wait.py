"""Wait for a job: notifications over Socket.IO, polling, outages, and the progress that the log contains."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from ei_toolkit.client.endpoint import is_loopback
from ei_toolkit.client.jobs.job import Job, LogReader, job_status
from ei_toolkit.client.project import Studio
from ei_toolkit.client.responses import Response
from ei_toolkit.client.transport import INSUFFICIENT_STORAGE
from ei_toolkit.errors import ApiError, EitkError, JobFailed, NetworkError

if TYPE_CHECKING:
    import socketio

EPOCH = re.compile(r"^\s*Epoch (\d+)\s*/\s*(\d+)")
METRIC = re.compile(r"\b(val_loss|val_accuracy|loss|accuracy): ([0-9.eE+-]+)")
PHASES = (
    (re.compile(r"^Converting .*float32", re.IGNORECASE), "converting to float32"),
    (re.compile(r"^Converting .*int8", re.IGNORECASE), "quantising to int8"),
    (re.compile(r"^Calculating float32 accuracy", re.IGNORECASE), "testing float32"),
    (re.compile(r"^Calculating int8 accuracy", re.IGNORECASE), "testing int8"),
    (re.compile(r"^(Calculating inferencing time|Profiling)", re.IGNORECASE), "profiling"),
    (re.compile(r"^Generating features|^Creating features", re.IGNORECASE), "generating features"),
)


@dataclass(frozen=True)
class TrainingProgress:
    """The latest values in a log. Epochs count from 1; 0 means that the log has named none yet."""

    phase: str = ""
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    accuracy: float | None = None
    val_loss: float | None = None
    val_accuracy: float | None = None

    @property
    def text(self) -> str:
        """Return a short text to show beside a progress bar."""
        if not self.epochs or self.phase not in ("", "training"):
            return self.phase
        parts = [f"epoch {self.epoch}/{self.epochs}"]
        parts += [f"loss {self.loss:.3f}"] if self.loss is not None else []
        parts += [f"accuracy {self.accuracy:.1%}"] if self.accuracy is not None else []
        parts += [f"validation {self.val_accuracy:.1%}"] if self.val_accuracy is not None else []
        return " · ".join(parts)


def after(progress: TrainingProgress, line: str) -> TrainingProgress:
    """Return the progress after one more log line."""
    for pattern, phase in PHASES:
        if pattern.search(line):
            return replace(progress, phase=phase)
    if found := EPOCH.match(line):
        progress = replace(progress, phase="training", epoch=int(found[1]), epochs=int(found[2]))
    numbers: dict[str, Any] = {name: float(value) for name, value in METRIC.findall(line) if _is_number(value)}
    return replace(progress, **numbers) if numbers and progress.phase == "training" else progress


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Listener:
    """`line` is called with every log line without its end, `note` with a message about the waiting itself."""

    line: Callable[[str], None]
    note: Callable[[str], None]


CONNECT_TIMEOUT_S = 5
MIN_POLL_INTERVAL_S = 0.2  # between two requests while the log grows all the time
LIVE_POLL_INTERVAL_S = 10.0  # while the socket is connected, in case it misses an event
FIRST_POLL_INTERVAL_S = 0.3  # without a socket, after the log has grown
MAX_POLL_INTERVAL_S = 2.5  # without a socket
POLL_INTERVAL_GROWTH = 1.5
RETRY_INTERVAL_S = 1.0  # between two requests while the studio cannot be reached
OUTAGE_TOLERANCE_S = 90.0  # how long the studio may be unreachable while a job runs
LOCAL_OUTAGE_TOLERANCE_S = 15.0  # for a studio on this machine, which no network failure makes unreachable
TAIL_LINES = 15  # last lines of the log in the error of a failed job


def wait_for(studio: Studio, job: int, listener: Listener, *, timeout_s: float | None = None) -> Job:
    """Follow a job until it ends and return it.

    Raises JobFailed where it ends without success, or has not ended after `timeout_s` (the job continues), and
    NetworkError where the studio is unreachable for longer than the outage tolerance.
    """
    lines = _Lines(listener)
    log = LogReader(studio, job)
    outage = _Outage(studio, listener)
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    interval = FIRST_POLL_INTERVAL_S
    with contextlib.closing(LogNotifier(studio, job)) as notifier:
        while True:
            try:
                found = job_status(studio, job)
                has_grown = lines.add(log.new_entries())
            except ApiError as error:
                outage.tolerate(error)
                time.sleep(RETRY_INTERVAL_S)
                continue
            outage.end()
            if found.finished:
                lines.end()
                return _check_succeeded(found, lines)
            if deadline is not None and time.monotonic() > deadline:
                raise _timeout_error(found, timeout_s or 0.0)
            interval = FIRST_POLL_INTERVAL_S if has_grown else min(interval * POLL_INTERVAL_GROWTH, MAX_POLL_INTERVAL_S)
            if notifier.wait(LIVE_POLL_INTERVAL_S if notifier.live else interval):
                time.sleep(MIN_POLL_INTERVAL_S)


def whole_log_hint(job: int) -> str:
    """Return the hint of a job that failed. It is removed where the whole log has just been shown."""
    return f"The whole log: eitk jobs follow {job}"


class LogNotifier:
    """Notifies the waiting loop when a job's log grows or the job ends, over Socket.IO.

    Without a socket `wait` always returns False and `live` is False; the loop then polls more often.
    """

    def __init__(self, studio: Studio, job: int) -> None:
        self._notified = threading.Event()
        self._socket = _connect(studio, job, self._notified)

    @property
    def live(self) -> bool:
        """Whether the socket is connected."""
        return self._socket is not None and bool(self._socket.connected)

    def wait(self, seconds: float) -> bool:
        """Wait for a notification, at most this long; return whether there was one."""
        was_notified = self._notified.wait(seconds)
        self._notified.clear()
        return was_notified

    def close(self) -> None:
        """Disconnect the socket."""
        if self._socket is not None:
            self._socket.disconnect()


class _Token(Response, frozen=True):
    socket_token: str


class _SocketToken(Response, frozen=True):
    token: _Token


def _connect(studio: Studio, job: int, notified: threading.Event) -> socketio.Client | None:
    """Return a socket that subscribes to a job each time it connects; None if the studio has no socket."""
    import socketio  # takes half a second, so a command that follows no job does not import it
    from socketio.exceptions import SocketIOError

    from ei_toolkit.client.jobs.live_socket import BoundedWebSocket

    silent = logging.getLogger(f"{__name__}.silent")
    silent.disabled = True  # the libraries log a lost connection, which does not matter: the loop polls as well
    client = socketio.Client(
        reconnection_attempts=0,
        reconnection_delay=1,
        reconnection_delay_max=10,
        logger=silent,
        engineio_logger=silent,
        websocket_extra_options={"class_": BoundedWebSocket},
    )

    def subscribe() -> None:
        client.emit("start-log-stream", {"jobId": job})
        notified.set()

    def on_event(event: str, *_: Any) -> None:
        if event in (f"job-data-{job}", f"job-finished-{job}", "job-finished"):
            notified.set()

    client.on("connect", subscribe)
    client.on("*", on_event)
    try:
        client.connect(_address(studio), transports=["websocket"], wait_timeout=CONNECT_TIMEOUT_S)
    except (EitkError, SocketIOError, OSError):
        return None  # polling gives the same result, only later
    return client


def _address(studio: Studio) -> str:
    token = studio.transport.read(studio.path("socket-token"), _SocketToken).token.socket_token
    parts = urlsplit(studio.transport.endpoint.api_url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{scheme}://{parts.netloc}/?{urlencode({'token': token, 'onDemandLogs': 'true'})}"


class _Outage:
    """How long the studio has been unreachable."""

    def __init__(self, studio: Studio, listener: Listener) -> None:
        is_local = is_loopback(studio.transport.endpoint.api_url)
        self._tolerance_s = LOCAL_OUTAGE_TOLERANCE_S if is_local else OUTAGE_TOLERANCE_S
        self._listener = listener
        self._last_response, self._is_noted = time.monotonic(), False

    def tolerate(self, error: ApiError) -> None:
        """Note the error once. Raises it if the job cannot be running, or the outage lasts too long."""
        status = error.status or 0
        may_pass = isinstance(error, NetworkError) or (status >= 500 and status != INSUFFICIENT_STORAGE)
        if not may_pass or time.monotonic() - self._last_response > self._tolerance_s:
            raise error
        if not self._is_noted:
            self._listener.note(f"{error.what}; the job continues, retrying")
        self._is_noted = True

    def end(self) -> None:
        """Count from now: the studio has responded."""
        self._last_response, self._is_noted = time.monotonic(), False


class _Lines:
    """Log entries joined into lines; keeps the last ones."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._incomplete = ""
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)

    def add(self, entries: list[str]) -> bool:
        """Pass on the lines that are complete; return whether there was any entry."""
        text = (self._incomplete + "".join(entries)).replace("\r\n", "\n").replace("\r", "\n")
        *complete, self._incomplete = text.split("\n")
        for line in complete:
            self._pass_on(line)
        return bool(entries)

    def end(self) -> None:
        """Pass on a last line without an end."""
        if self._incomplete:
            self._pass_on(self._incomplete)
        self._incomplete = ""

    def _pass_on(self, line: str) -> None:
        if line.strip():
            self.tail.append(line)
        self._listener.line(line)


def _check_succeeded(job: Job, lines: _Lines) -> Job:
    if not job.succeeded:
        raise JobFailed(
            f"{_named(job)} was cancelled" if job.cancelled else f"{_named(job)} failed",
            hint=whole_log_hint(job.id),
            log=tuple(lines.tail),
        )
    return job


def _named(job: Job) -> str:
    return f"job {job.id} ({job.category or 'unnamed'})"


def _timeout_error(job: Job, timeout_s: float) -> JobFailed:
    return JobFailed(
        f"{_named(job)} has not ended within {timeout_s:g} s",
        why="it continues in the studio",
        hint=f"eitk jobs follow {job.id}, or eitk jobs cancel {job.id}",
    )
