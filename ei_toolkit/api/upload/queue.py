"""Which request goes next, and how many files it carries."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from ei_toolkit.api.upload.ingestion import MOST_FILES, Shelf
from ei_toolkit.dataset.manifest import Window

TARGET_S = 1.0  # time of a request that batches grow towards
MOST_BYTES = 32 * 2**20  # of one request, so that memory stays flat and a broken connection costs little
START_FILES = 32
MOST_TRIES = 8


@dataclass(frozen=True)
class Task:
    """Windows that go into one request, and how often that was tried."""

    shelf: Shelf
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


class Sizer:
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

    def __init__(self, shelves: Iterable[tuple[Shelf, list[Window]]], file_bytes: int, sizer: Sizer) -> None:
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
