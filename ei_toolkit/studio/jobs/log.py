"""The log of a job: one JSON line an entry, in a file of its own, complete and in order."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ei_toolkit.studio.wire import now

LARGEST_LOG = 64 * 2**20
LONGEST_LINE = 16_384


@dataclass(frozen=True)
class Entry:
    """One line of a log."""

    created: str
    data: str
    level: str = "info"


class JobLog:
    """Appends to and reads one job's log."""

    def __init__(self, folder: Path, job: int) -> None:
        self.path = folder / f"{job}.ndjson"

    def append(self, text: str, level: str = "info") -> Entry:
        """Write one line; past the largest size lines are heard live but no longer kept."""
        entry = Entry(now(), text[:LONGEST_LINE] + "\n", level)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8", errors="replace") as file:
            if file.tell() < LARGEST_LOG:
                file.write(json.dumps(asdict(entry)) + "\n")
        return entry

    def entries(self) -> Iterator[Entry]:
        """Every entry, oldest first; a line cut off by a kill is passed over."""
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                try:
                    yield Entry(**json.loads(line))
                except ValueError:
                    continue

    def newest(self, limit: int, level: str | None = None) -> tuple[list[Entry], int]:
        """The last entries, newest first, and how many there are in all."""
        kept: deque[Entry] = deque(maxlen=limit)
        total = 0
        for entry in self.entries():
            if level in (None, "all", entry.level):
                kept.append(entry)
                total += 1
        return list(reversed(kept)), total
