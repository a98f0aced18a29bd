"""Which request goes next, and how many files it carries."""

from __future__ import annotations

import csv
import heapq
import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ei_toolkit.client.project import Studio
from ei_toolkit.client.samples import Sample, edit_label, get_sample, move_sample
from ei_toolkit.client.transport import backoff
from ei_toolkit.client.upload.ingestion import (
    MOST_FILES,
    Answered,
    BatchKey,
    Ingestion,
    Rejected,
    RetryableError,
    Stored,
    as_error,
)
from ei_toolkit.client.upload.ledger import Entry, Ledger
from ei_toolkit.client.upload.plan import Difference, group_into_batches, is_annotated, is_in_place, item_of
from ei_toolkit.config.atomic_write import replace_file
from ei_toolkit.dataset.manifest import Window
from ei_toolkit.errors import ApiError, CredentialError

TARGET_S = 1.0  # time of a request that batches grow towards
MOST_BYTES = 32 * 2**20  # of one request, so that memory stays flat and a broken connection costs little
START_FILES = 32
MOST_TRIES = 8


@dataclass(frozen=True)
class Task:
    """Windows that go into one request, and how often that was tried."""

    shelf: BatchKey
    windows: tuple[Window, ...]
    tries: int = 0

    def halves(self) -> tuple[Task, Task]:
        """The same windows in two requests; what was tried counts for both, but leaves each some tries."""
        middle = len(self.windows) // 2
        tries = min(self.tries, MOST_TRIES - 3)
        return Task(self.shelf, self.windows[:middle], tries), Task(self.shelf, self.windows[middle:], tries)

    def again(self) -> Task:
        """The same after one more try."""
        return Task(self.shelf, self.windows, self.tries + 1)


class BatchSizeController:
    """Number of files in a request: doubled while requests are quick, halved when they are slow or refused."""

    def __init__(self, most: int) -> None:
        self._most = max(1, min(most, MOST_FILES))
        self.size = min(START_FILES, self._most)

    def took(self, files: int, seconds: float) -> None:
        """Learn from a request that was answered."""
        if seconds > 2 * TARGET_S:
            self.shrink(files)
        elif seconds < TARGET_S / 2 and files >= self.size:
            self.size = min(self.size * 2, self._most)

    def shrink(self, files: int) -> None:
        """Learn from a request of `files` files that was too much."""
        self.size = max(1, min(self.size, files // 2))


class TaskQueue:
    """Tasks in order, some of them not before a time. Times are those of one monotonic clock."""

    def __init__(
        self, shelves: Iterable[tuple[BatchKey, list[Window]]], file_bytes: int, sizer: BatchSizeController
    ) -> None:
        self._fresh = [(shelf, list(reversed(windows))) for shelf, windows in shelves][::-1]
        self._file_bytes = max(1, file_bytes)
        self._sizer = sizer
        self._later: list[tuple[float, int, Task]] = []
        self._count = itertools.count()
        self._held_until = 0.0

    def __bool__(self) -> bool:
        return bool(self._fresh or self._later)

    def put(self, task: Task, not_before: float) -> None:
        """Queue a task again."""
        heapq.heappush(self._later, (not_before, next(self._count), task))

    def hold(self, until: float) -> None:
        """Give nothing out before a time, because the server asked for it."""
        self._held_until = max(self._held_until, until)

    def take(self, now: float) -> Task | None:
        """The next task that may go now."""
        if now < self._held_until:
            return None
        if self._later and self._later[0][0] <= now:
            return heapq.heappop(self._later)[2]
        return self._cut() if self._fresh else None

    def wait(self, now: float) -> float | None:
        """Seconds until `take` may give a task; None if nothing is queued."""
        if not self:
            return None
        ready = now if self._fresh else self._later[0][0]
        return max(0.0, max(ready, self._held_until) - now)

    def _cut(self) -> Task:
        shelf, windows = self._fresh[-1]
        count = min(self._sizer.size, max(1, MOST_BYTES // self._file_bytes))
        taken = tuple(windows.pop() for _ in range(min(count, len(windows))))
        if not windows:
            self._fresh.pop()
        return Task(shelf, taken)


@dataclass(frozen=True)
class Failure:
    """A window that is not on the server, and why."""

    file: str
    reason: str


@dataclass
class Report:
    """What an upload did. `done` counts every window of the manifest that is on the server."""

    windows: int
    done: int = 0
    sent: int = 0
    duplicates: int = 0
    moved: int = 0
    removed: int = 0
    requests: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    def data(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)

    def sentence(self) -> str:
        """For people."""
        parts = [f"{self.done} of {self.windows} windows are on the server", f"{self.sent} sent now"]
        parts += [f"{self.duplicates} were there"] if self.duplicates else []
        parts += [f"{self.moved} moved or relabelled"] if self.moved else []
        parts += [f"{self.removed} removed whose clips are on the other side of the split"] if self.removed else []
        rate = f", {self.sent / self.seconds:.0f}/s" if self.sent and self.seconds > 0 else ""
        return f"{'; '.join(parts)} ({self.requests} requests, {self.seconds:.1f} s{rate})"


def write_failures(path: Path, failures: Sequence[Failure]) -> None:
    """Write `file,reason` rows as CSV, in one step."""
    with replace_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(("file", "reason"))
        out.writerows((failure.file, failure.reason) for failure in failures)


def check_complete(report: Report) -> None:
    """Raise ApiError unless every window is on the server."""
    if report.failures:
        raise ApiError(
            f"{len(report.failures)} of {report.windows} windows are not on the server",
            why=report.failures[0].reason,
            hint="Mend what is named above and run eitk upload again; the rest is not sent twice.",
        )


CONNECT_TIMEOUT_S = 3.0  # how long nobody may listen at the address before the upload ends
ERROR_TIMEOUT_S = 60.0  # how long a server may answer nothing but errors


@dataclass(frozen=True)
class Options:
    """How hard to push: requests at once, files in a request."""

    concurrency: int = 4
    batch: int = 256


Progress = Callable[[float, str], None]


@dataclass
class _Run:
    """State of one upload; everything but `Ingestion.send` happens in one thread."""

    studio: Studio
    folder: Path
    ledger: Ledger
    options: Options
    progress: Progress
    report: Report
    sizer: BatchSizeController
    heard: float = field(default_factory=time.monotonic)
    stored: float = field(default_factory=time.monotonic)

    def send_all(self, windows: Sequence[Window]) -> None:
        ingestion = Ingestion(self.studio.transport.endpoint, self.options.concurrency)
        queue = TaskQueue(group_into_batches(windows).items(), _typical_size(windows, self.folder), self.sizer)
        running: dict[Future[tuple[Answered | RetryableError, float]], Task] = {}
        pool = ThreadPoolExecutor(self.options.concurrency, "upload")
        try:
            while queue or running:
                now = time.monotonic()
                while len(running) < self.options.concurrency and (task := queue.take(now)):
                    running[pool.submit(self._send, ingestion, task)] = task
                free = len(running) < self.options.concurrency
                pause = queue.wait(now) if free else None
                if not running:
                    time.sleep(pause or 0.0)
                    continue
                done, _ = wait(running, pause, FIRST_COMPLETED)
                for future in done:
                    self._learn(running.pop(future), *future.result(), queue)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _send(self, ingestion: Ingestion, task: Task) -> tuple[Answered | RetryableError, float]:
        started = time.monotonic()
        answer = ingestion.send(task.shelf, [item_of(window, self.folder) for window in task.windows])
        return answer, time.monotonic() - started

    def _learn(self, task: Task, answer: Answered | RetryableError, seconds: float, queue: TaskQueue) -> None:
        self.report.requests += 1
        now = time.monotonic()
        if isinstance(answer, Answered):
            self.heard = self.stored = now
            self.sizer.took(len(task.windows), seconds)
            queue.hold(now + answer.pause)
            self._keep(task, answer.outcomes)
        else:
            self._try_again(task, answer, queue, now)

    def _try_again(self, task: Task, answer: RetryableError, queue: TaskQueue, now: float) -> None:
        if answer.kind != "down":
            self.heard = now
        if now - self.heard > CONNECT_TIMEOUT_S or now - self.stored > ERROR_TIMEOUT_S + answer.pause:
            raise as_error(answer)
        if answer.kind == "busy" and answer.pause:
            queue.hold(now + answer.pause)
        if answer.kind == "large":
            self.sizer.shrink(len(task.windows))
        several = len(task.windows) > 1
        if several and (answer.kind in ("large", "odd") or task.tries + 1 >= MOST_TRIES):
            for half in task.halves():
                queue.put(half, now)
        elif answer.kind == "odd" or (answer.kind != "down" and task.tries + 1 >= MOST_TRIES):
            self._keep(task, tuple(Rejected(answer.reason) for _ in task.windows))
        else:
            again = task if answer.kind == "down" else task.again()
            queue.put(again, now + max(backoff(task.tries + 1), answer.pause))

    def _keep(self, task: Task, outcomes: Iterable[Stored | Rejected]) -> None:
        entries = []
        for window, outcome in zip(task.windows, outcomes, strict=True):
            if isinstance(outcome, Rejected):
                self.report.failures.append(Failure(window.file, outcome.reason))
                entries.append(Entry(window.sha256, window.file, "failed", None, outcome.reason))
                continue
            entries.append(Entry(window.sha256, window.file, "done", outcome.sample))
            self.report.done += 1
            self.report.sent += not outcome.duplicate
            self.report.duplicates += outcome.duplicate
            if outcome.duplicate and outcome.sample is not None:
                self._put_in_place(window, outcome.sample)
        self.ledger.record(entries)
        self.progress(self.report.done, "")

    def _put_in_place(self, window: Window, sample_id: int) -> None:
        """A window that was there under another name may be in another category or have another label."""
        try:
            sample = get_sample(self.studio, sample_id)
        except CredentialError:
            return  # the key may upload but not look
        if not is_in_place(window, sample):
            put_in_place(self.studio, window, sample_id, sample.category, sample.label)
            self.report.moved += 1


def upload(
    studio: Studio, plan: Difference, folder: Path, ledger: Ledger, options: Options, progress: Progress
) -> Report:
    """Bring every window of the manifest in `folder` to the server, each once.

    `plan` is the manifest against what the server has now. Safe to stop at any instant and to run again.
    Raises NetworkError where nobody listens, CredentialError where the key is refused.
    """
    started = time.monotonic()
    total = len(plan.missing) + len(plan.present) + len(plan.moved)
    report = Report(total, done=len(plan.present))
    run = _Run(studio, folder, ledger, options, progress, report, BatchSizeController(options.batch))
    ledger.record(_entry_of(window, sample) for window, sample in plan.present)
    for window, sample in plan.moved:
        put_in_place(studio, window, sample.id, sample.category, sample.label)
        ledger.record([Entry(window.sha256, window.file, "done", sample.id)])
        report.done, report.moved = report.done + 1, report.moved + 1
    progress(report.done, "")
    run.send_all(plan.missing)
    report.seconds = time.monotonic() - started
    return report


def _entry_of(window: Window, sample: Sample) -> Entry:
    return Entry(window.sha256, window.file, "done", sample.id, "", is_annotated(window, sample))


def put_in_place(studio: Studio, window: Window, sample: int, category: str, label: str) -> None:
    """Give a sample the category and label that the manifest has for it."""
    if label != window.label:
        edit_label(studio, sample, window.label)
    if category != window.split:
        move_sample(studio, sample, window.split)


def _typical_size(windows: Sequence[Window], folder: Path) -> int:
    """Bytes of a file; windows are all equally long, so one stands for all."""
    for window in windows:
        file = folder / window.file
        if file.is_file():
            return file.stat().st_size
    return 0
