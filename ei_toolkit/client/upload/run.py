"""Upload windows: the queue of requests, their size, their retries, and the report."""

from __future__ import annotations

import csv
import heapq
import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ei_toolkit.client.project import Studio
from ei_toolkit.client.retries import backoff
from ei_toolkit.client.samples import Sample, edit_label, get_sample, move_sample
from ei_toolkit.client.upload.ingestion import (
    MAX_FILES,
    Accepted,
    BatchKey,
    Ingestion,
    Outcomes,
    Rejected,
    RetryableError,
    network_error_of,
)
from ei_toolkit.client.upload.ledger import Entry, Ledger
from ei_toolkit.client.upload.plan import (
    Difference,
    MetadataByFile,
    group_into_batches,
    is_annotated,
    is_in_place,
    item_of,
)
from ei_toolkit.config.atomic_write import replace_file
from ei_toolkit.dataset.manifest import Window
from ei_toolkit.dataset.window_store import WindowReader
from ei_toolkit.errors import ApiError, CredentialError, DataError

TARGET_S = 1.0  # duration of a request at which its batch is neither enlarged nor made smaller
MAX_BYTES = 32 * 2**20  # of one request: limits the memory, and what a broken connection loses
START_FILES = 32
MAX_TRIES = 8
UNREACHABLE_TIMEOUT_S = 3.0  # the upload ends if no server listens at the address for this long
SPLITS_WITHOUT_PAUSE = 10  # failures one after another of requests that were divided
ERROR_TIMEOUT_S = 60.0  # the upload ends if the studio answers with errors only for this long


@dataclass(frozen=True)
class Task:
    """The windows of one request, and how often it was tried."""

    batch: BatchKey
    windows: tuple[Window, ...]
    tries: int = 0

    def halves(self) -> tuple[Task, Task]:
        """Return two tasks with half of the windows each. The tries count for both, but at least three remain."""
        middle = len(self.windows) // 2
        tries = min(self.tries, MAX_TRIES - 3)
        return Task(self.batch, self.windows[:middle], tries), Task(self.batch, self.windows[middle:], tries)

    def tried(self) -> Task:
        """Return the task with one more try."""
        return Task(self.batch, self.windows, self.tries + 1)


class BatchSizeController:
    """The number of files in a request: doubled while requests are fast, halved when they are slow or too large."""

    def __init__(self, max_files: int) -> None:
        self._max_files = max(1, min(max_files, MAX_FILES))
        self.size = min(START_FILES, self._max_files)

    def adjust(self, files: int, seconds: float) -> None:
        """Adjust the size after a successful request of `files` files."""
        if seconds > 2 * TARGET_S:
            self.shrink(files)
        elif seconds < TARGET_S / 2 and files >= self.size:
            self.size = min(self.size * 2, self._max_files)

    def shrink(self, files: int) -> None:
        """Reduce the size after a request of `files` files that was too large."""
        self.size = max(1, min(self.size, files // 2))


class TaskQueue:
    """Tasks in order; repeated ones have an earliest time. All times are of one monotonic clock."""

    def __init__(
        self, batches: Iterable[tuple[BatchKey, list[Window]]], file_bytes: int, batch_size: BatchSizeController
    ) -> None:
        self._unsent = [(batch, list(reversed(windows))) for batch, windows in batches][::-1]
        self._file_bytes = max(1, file_bytes)
        self._batch_size = batch_size
        self._repeated: list[tuple[float, int, Task]] = []
        self._count = itertools.count()
        self._paused_until = 0.0

    def __bool__(self) -> bool:
        return bool(self._unsent or self._repeated)

    def put(self, task: Task, not_before: float) -> None:
        """Queue a task to be repeated."""
        heapq.heappush(self._repeated, (not_before, next(self._count), task))

    def pause(self, until: float) -> None:
        """Return no task before a time, because the studio asked for a pause."""
        self._paused_until = max(self._paused_until, until)

    def take(self, now: float) -> Task | None:
        """Return the next task that may be sent now; None if there is none."""
        if now < self._paused_until:
            return None
        if self._repeated and self._repeated[0][0] <= now:
            return heapq.heappop(self._repeated)[2]
        return self._next_task() if self._unsent else None

    def wait(self, now: float) -> float | None:
        """Return the seconds until `take` may return a task; None if nothing is queued."""
        if not self:
            return None
        ready = now if self._unsent else self._repeated[0][0]
        return max(0.0, max(ready, self._paused_until) - now)

    def _next_task(self) -> Task:
        batch, windows = self._unsent[-1]
        count = min(self._batch_size.size, max(1, MAX_BYTES // self._file_bytes))
        taken = tuple(windows.pop() for _ in range(min(count, len(windows))))
        if not windows:
            self._unsent.pop()
        return Task(batch, taken)


@dataclass(frozen=True)
class Failure:
    """A window that the studio has not accepted, and the reason."""

    file: str
    reason: str


@dataclass
class Report:
    """The result of an upload. `done` counts every window of the manifest that is in the studio."""

    windows: int
    done: int = 0
    sent: int = 0
    duplicates: int = 0
    moved: int = 0
    removed: int = 0
    requests: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    noun: str = "windows"

    def data(self) -> dict[str, Any]:
        """Return it for --json."""
        return {key: value for key, value in asdict(self).items() if key != "noun"}

    def sentence(self) -> str:
        """Return it as one sentence."""
        parts = [f"{self.done} of {self.windows} {self.noun} are in the studio", f"{self.sent} sent now"]
        parts += [f"{self.duplicates} were there before"] if self.duplicates else []
        parts += [f"{self.moved} moved or relabelled"] if self.moved else []
        parts += [f"{self.removed} removed whose clips are in another split"] if self.removed else []
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
            f"{len(report.failures)} of {report.windows} {report.noun} are not in the studio",
            why=report.failures[0].reason,
            hint="Correct the files that are named above and run eitk upload again; the others are not sent twice.",
        )


@dataclass(frozen=True)
class Options:
    """The number of requests at once, and the largest number of files in a request."""

    concurrency: int = 4
    batch: int = 256


Progress = Callable[[float, str], None]
RangesByFile = Mapping[str, Sequence[Mapping[str, Any]]]
"""Structured labels by the file of the manifest."""


@dataclass
class _Run:
    """State of one upload; everything but `Ingestion.send` happens in one thread."""

    studio: Studio
    reader: WindowReader
    ledger: Ledger
    options: Options
    progress: Progress
    report: Report
    batch_size: BatchSizeController
    ranges: RangesByFile = field(default_factory=dict)
    metadata: MetadataByFile = field(default_factory=dict)
    failures_in_row: int = 0
    last_response: float = field(default_factory=time.monotonic)
    last_success: float = field(default_factory=time.monotonic)

    def send_all(self, windows: Sequence[Window]) -> None:
        transport = self.studio.transport
        ingestion = Ingestion(transport.endpoint, self.options.concurrency, transport.notify)
        batches = group_into_batches(windows, self.metadata)
        queue = TaskQueue(batches.items(), _file_size(windows, self.reader), self.batch_size)
        running: dict[Future[tuple[Outcomes | RetryableError, float]], Task] = {}
        pool = ThreadPoolExecutor(self.options.concurrency, "upload")
        try:
            while queue or running:
                now = time.monotonic()
                while len(running) < self.options.concurrency and (task := queue.take(now)):
                    running[pool.submit(self._send, ingestion, task)] = task
                has_free_thread = len(running) < self.options.concurrency
                pause = queue.wait(now) if has_free_thread else None
                if not running:
                    time.sleep(pause or 0.0)
                    continue
                done, _ = wait(running, pause, FIRST_COMPLETED)
                for future in done:
                    self._finish(running.pop(future), *future.result(), queue)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _send(self, ingestion: Ingestion, task: Task) -> tuple[Outcomes | RetryableError, float]:
        started = time.monotonic()
        items = [item_of(window, self.reader, self.ranges.get(window.file, ())) for window in task.windows]
        result = ingestion.send(task.batch, items)
        return result, time.monotonic() - started

    def _finish(self, task: Task, result: Outcomes | RetryableError, seconds: float, queue: TaskQueue) -> None:
        self.report.requests += 1
        now = time.monotonic()
        if isinstance(result, Outcomes):
            self.last_response = self.last_success = now
            self.failures_in_row = 0
            self.studio.transport.retry_budget.earn()
            self.batch_size.adjust(len(task.windows), seconds)
            queue.pause(now + result.pause)
            self._record(task, result.outcomes)
        else:
            self._retry(task, result, queue, now)

    def _retry(self, task: Task, error: RetryableError, queue: TaskQueue, now: float) -> None:
        """Queue a failed task again, whole or in halves, or record its windows as rejected after the last try.

        Raises NetworkError where the studio has been unreachable, or without any success, for too long.
        """
        is_unreachable = error.kind == "unreachable"
        if not is_unreachable:
            self.last_response = now
        if now - self.last_response > UNREACHABLE_TIMEOUT_S or now - self.last_success > ERROR_TIMEOUT_S + error.pause:
            raise network_error_of(error)
        self._limit_rate(error, queue, now)
        if error.kind == "throttled" and error.pause:
            queue.pause(now + error.pause)
        if error.kind == "too_large":
            self.batch_size.shrink(len(task.windows))
        is_last_try = task.tries + 1 >= MAX_TRIES
        if len(task.windows) > 1 and (error.kind in ("too_large", "rejected") or is_last_try):
            for half in task.halves():
                queue.put(half, now)
        elif error.kind == "rejected" or (is_last_try and not is_unreachable):
            self._record(task, tuple(Rejected(error.reason) for _ in task.windows))
        else:
            repeated = task if is_unreachable else task.tried()
            queue.put(repeated, now + max(backoff(task.tries + 1), error.pause))

    def _limit_rate(self, error: RetryableError, queue: TaskQueue, now: float) -> None:
        """Let all requests pause after failures one after another. Raises NetworkError where the budget is used up.

        Dividing a request that is too large or has a file that is not valid takes a few failures in a row.
        """
        self.failures_in_row += 1
        if error.kind not in ("rejected", "unreachable") and not self.studio.transport.retry_budget.spend():
            raise network_error_of(error)
        allowed = SPLITS_WITHOUT_PAUSE if error.kind in ("too_large", "rejected") else 1
        if self.failures_in_row > allowed:
            queue.pause(now + backoff(self.failures_in_row - allowed))

    def _record(self, task: Task, outcomes: Iterable[Accepted | Rejected]) -> None:
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
        """Correct a duplicate: a sample with another name may be in another category or have another label."""
        try:
            sample = get_sample(self.studio, sample_id)
        except CredentialError:
            return  # the key may upload, but not read samples
        if not is_in_place(window, sample):
            self.put_in_place(window, sample_id, sample.category, sample.label)
            self.report.moved += 1

    def put_in_place(self, window: Window, sample: int, category: str, label: str) -> None:
        """Give a sample the split and label of its window; structured labels are never replaced by one label."""
        kept = window.label if window.file in self.ranges else label
        put_in_place(self.studio, window, sample, category, kept)


def upload(
    studio: Studio, plan: Difference, reader: WindowReader, ledger: Ledger, options: Options, progress: Progress,
    ranges: RangesByFile | None = None, metadata: MetadataByFile | None = None,
) -> Report:  # fmt: skip
    """Send every window of a manifest that the studio lacks, each once; `reader` reads them.

    `plan` is the difference between the manifest and the studio, `ranges` are the structured labels of files that have
    several labels, and `metadata` is what files have beyond that of their windows. An upload can be stopped at any
    time and run again.
    Raises NetworkError where the studio cannot be reached, CredentialError where it rejects the key.
    """
    started = time.monotonic()
    total = len(plan.missing) + len(plan.present) + len(plan.moved)
    report = Report(total, done=len(plan.present))
    run = _Run(
        studio, reader, ledger, options, progress, report, BatchSizeController(options.batch),
        ranges or {}, metadata or {},
    )  # fmt: skip
    ledger.record(_entry_of(window, sample) for window, sample in plan.present)
    for window, sample in plan.moved:
        run.put_in_place(window, sample.id, sample.category, sample.label)
        ledger.record([Entry(window.sha256, window.file, "done", sample.id)])
        report.done, report.moved = report.done + 1, report.moved + 1
    progress(report.done, "")
    run.send_all(plan.missing)
    report.seconds = time.monotonic() - started
    return report


def _entry_of(window: Window, sample: Sample) -> Entry:
    return Entry(window.sha256, window.file, "done", sample.id, "", is_annotated(window, sample))


def put_in_place(studio: Studio, window: Window, sample: int, category: str, label: str) -> None:
    """Give a sample the split and label that its window has in the manifest."""
    if label != window.label:
        edit_label(studio, sample, window.label)
    if category != window.split:
        move_sample(studio, sample, window.split)


def _file_size(windows: Sequence[Window], reader: WindowReader) -> int:
    """Bytes of one file; all windows have the same length."""
    for window in windows:
        with suppress(DataError):
            return len(reader.file(window))
    return 0
