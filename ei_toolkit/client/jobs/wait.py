"""What a training log says about how far it is."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from ei_toolkit.client.answer import Answer
from ei_toolkit.client.endpoint import is_loopback
from ei_toolkit.client.jobs.job import Job, LogReader, job_status
from ei_toolkit.client.project import Studio
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
    """The newest that a log has told. Epochs count from 1; 0 means that none was named yet."""

    phase: str = ""
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    accuracy: float | None = None
    val_loss: float | None = None
    val_accuracy: float | None = None

    @property
    def text(self) -> str:
        """For beside a bar."""
        if not self.epochs or self.phase not in ("", "training"):
            return self.phase
        parts = [f"epoch {self.epoch}/{self.epochs}"]
        parts += [f"loss {self.loss:.3f}"] if self.loss is not None else []
        parts += [f"accuracy {self.accuracy:.1%}"] if self.accuracy is not None else []
        parts += [f"validation {self.val_accuracy:.1%}"] if self.val_accuracy is not None else []
        return " · ".join(parts)


def after(progress: TrainingProgress, line: str) -> TrainingProgress:
    """The progress after one more log line."""
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


CONNECT_S = 5


class LogNotifier:
    """Rings when a job's log grows or the job ends. Where no socket can be had it never rings, and `live` is false."""

    def __init__(self, studio: Studio, job: int) -> None:
        self._rung = threading.Event()
        self._socket = _connect(studio, job, self._rung)

    @property
    def live(self) -> bool:
        """Whether the socket is up."""
        return self._socket is not None and bool(self._socket.connected)

    def wait(self, seconds: float) -> bool:
        """Wait until the bell rings, at most so long; whether it rang."""
        rang = self._rung.wait(seconds)
        self._rung.clear()
        return rang

    def close(self) -> None:
        """Leave the socket."""
        if self._socket is not None:
            self._socket.disconnect()


def _connect(studio: Studio, job: int, rung: threading.Event) -> socketio.Client | None:
    """A socket that subscribes to a job each time it connects; None where the studio has none to offer."""
    import socketio
    from socketio.exceptions import SocketIOError

    silent = logging.getLogger(f"{__name__}.silent")
    silent.disabled = True  # its libraries print what they cannot do about a lost connection; polling goes on anyway
    client = socketio.Client(
        reconnection_attempts=0,
        reconnection_delay=1,
        reconnection_delay_max=10,
        logger=silent,
        engineio_logger=silent,
    )

    def subscribe() -> None:
        client.emit("start-log-stream", {"jobId": job})
        rung.set()

    def news(event: str, *_: Any) -> None:
        if event in (f"job-data-{job}", f"job-finished-{job}", "job-finished"):
            rung.set()

    client.on("connect", subscribe)
    client.on("*", news)
    try:
        client.connect(_address(studio), transports=["websocket"], wait_timeout=CONNECT_S)
    except (EitkError, SocketIOError, OSError):
        return None  # polling does as well, only later
    return client


def _address(studio: Studio) -> str:
    answer = Answer(studio.transport.get(studio.path("socket-token")), "the socket's token")
    token = answer.object("token").text("socketToken")
    parts = urlsplit(studio.transport.endpoint.api_url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{scheme}://{parts.netloc}/?{urlencode({'token': token, 'onDemandLogs': 'true'})}"


MIN_POLL_INTERVAL_S = 0.2  # least time between two looks at a log that grows all the time
LIVE_S = 10.0  # a look now and then even though the socket is up
POLL_S = (0.3, 2.5)  # between looks without a socket: first, at most
OUTAGE_TOLERANCE_S = 90.0  # how long a network may be cut while a job runs
LOCAL_OUTAGE_TOLERANCE_S = 15.0  # on this machine there is no network to be cut, only a studio that is gone or busy
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
        patience = LOCAL_OUTAGE_TOLERANCE_S if is_loopback(studio.transport.endpoint.api_url) else OUTAGE_TOLERANCE_S
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
                time.sleep(MIN_POLL_INTERVAL_S)


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
def _bell(studio: Studio, job: int) -> Iterator[LogNotifier]:
    bell = LogNotifier(studio, job)
    try:
        yield bell
    finally:
        bell.close()
