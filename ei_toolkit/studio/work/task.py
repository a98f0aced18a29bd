"""What a piece of work is given: the state, its job, a folder of its own."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.jobs import Job


@dataclass(frozen=True)
class Task:
    """One job at work."""

    store: Store
    job: Job
    data: Path

    @property
    def project(self) -> int:
        """The project that the job belongs to."""
        return self.job.project

    def say(self, line: str) -> None:
        """Write a line of the job's log; to the true standard output, since a training redirects `sys.stdout`."""
        print(line.rstrip("\n"), file=sys.__stdout__, flush=True)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder that is gone afterwards; after a kill the next start of the studio removes it."""
        with tempfile.TemporaryDirectory(dir=self.store.blobs.incoming, prefix=f"job-{self.job.id}-") as folder:
            yield Path(folder)
