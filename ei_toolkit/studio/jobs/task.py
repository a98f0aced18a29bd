"""What a piece of work is given: the state, its job, a folder of its own."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ei_toolkit.studio.http.errors import ApiError
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


KINDS = {
    "generate-features": "features:generate_features",
    "train-keras": "training:train_block",
    "retrain": "training:retrain",
    "classify": "testing:classify",
    "build": "building:build",
    "profile-keras": "training:profile_block",
    "profile-tflite": "profiling:profile_tflite",
    "clone": "exporting:report_clone",
    "export": "exporting:export",
    "pretrained-upload": "pretrained:take_in",
    "pretrained-profile": "pretrained:profile_stored",
}


def work_of(kind: str) -> Callable[[Task], None]:
    """The function that does a kind of job."""
    if kind not in KINDS:
        raise ApiError(f"There is no work of kind {kind!r}")
    module, _, name = KINDS[kind].partition(":")
    function: Callable[[Task], None] = getattr(import_module(f"ei_toolkit.studio.jobs.{module}"), name)
    return function
