"""The upload: ask what the server has, send the rest, write down every answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from ei_toolkit.api.backoff import backoff
from ei_toolkit.api.project import Studio
from ei_toolkit.api.samples import Sample, edit_label, get_sample, move_sample
from ei_toolkit.api.upload.annotate import is_annotated
from ei_toolkit.api.upload.ingestion import Again, Answered, Ingestion, Refused, Stored, as_error
from ei_toolkit.api.upload.ledger import Entry, Ledger
from ei_toolkit.api.upload.plan import Difference, is_in_place, item_of, shelve
from ei_toolkit.api.upload.queue import MOST_TRIES, Sizer, Task, TaskQueue
from ei_toolkit.api.upload.report import Failure, Report
from ei_toolkit.dataset.manifest import Window
from ei_toolkit.errors import CredentialError

PATIENCE_S = 3.0  # how long nobody may listen at the address before the upload ends
HOPE_S = 60.0  # how long a server may answer nothing but errors


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
    sizer: Sizer
    heard: float = field(default_factory=time.monotonic)
    stored: float = field(default_factory=time.monotonic)

    def send_all(self, windows: Sequence[Window]) -> None:
        ingestion = Ingestion(self.studio.transport.endpoint, self.options.concurrency)
        queue = TaskQueue(shelve(windows).items(), _typical_size(windows, self.folder), self.sizer)
        running: dict[Future[tuple[Answered | Again, float]], Task] = {}
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

    def _send(self, ingestion: Ingestion, task: Task) -> tuple[Answered | Again, float]:
        started = time.monotonic()
        answer = ingestion.send(task.shelf, [item_of(window, self.folder) for window in task.windows])
        return answer, time.monotonic() - started

    def _learn(self, task: Task, answer: Answered | Again, seconds: float, queue: TaskQueue) -> None:
        self.report.requests += 1
        now = time.monotonic()
        if isinstance(answer, Answered):
            self.heard = self.stored = now
            self.sizer.took(len(task.windows), seconds)
            queue.hold(now + answer.pause)
            self._keep(task, answer.outcomes)
        else:
            self._try_again(task, answer, queue, now)

    def _try_again(self, task: Task, answer: Again, queue: TaskQueue, now: float) -> None:
        if answer.kind != "down":
            self.heard = now
        if now - self.heard > PATIENCE_S or now - self.stored > HOPE_S + answer.pause:
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
            self._keep(task, tuple(Refused(answer.reason) for _ in task.windows))
        else:
            again = task if answer.kind == "down" else task.again()
            queue.put(again, now + max(backoff(task.tries + 1), answer.pause))

    def _keep(self, task: Task, outcomes: Iterable[Stored | Refused]) -> None:
        entries = []
        for window, outcome in zip(task.windows, outcomes, strict=True):
            if isinstance(outcome, Refused):
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
    run = _Run(studio, folder, ledger, options, progress, report, Sizer(options.batch))
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
