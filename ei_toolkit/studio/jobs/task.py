"""The context of a running job, and the table of the functions that jobs run."""

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
from ei_toolkit.studio.store.blobs import scratch_prefix
from ei_toolkit.studio.store.jobs import Job


@dataclass(frozen=True)
class Task:
    """One running job: the store, the job, the data folder, and whether inputs that carry code are used."""

    store: Store
    job: Job
    data: Path
    allow_scripts: bool = False

    @property
    def project(self) -> int:
        """The project that the job belongs to."""
        return self.job.project

    def log(self, line: str) -> None:
        """Write a line of the job's log. `sys.__stdout__` is used because a training redirects `sys.stdout`."""
        print(line.rstrip("\n"), file=sys.__stdout__, flush=True)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Provide a temporary folder. If the process is killed, the runner deletes it."""
        with tempfile.TemporaryDirectory(dir=self.store.blobs.incoming, prefix=scratch_prefix(self.job.id)) as folder:
            yield Path(folder)


KINDS = {  # module and function of each kind of job
    "generate-features": "features:generate_features",
    "train-keras": "training:train_block",
    "retrain": "training:retrain",
    "classify": "testing:classify",
    "optimize": "tuning:optimize",
    "tuner-primary": "primary_trial:set_primary",
    "build": "building:build",
    "profile-keras": "profiling:profile_block",
    "profile-tflite": "profiling:profile_tflite",
    "clone": "exporting:report_clone",
    "export": "exporting:export",
    "data-explorer": "explorer:generate",
    "version": "versioning:save_version",
    "restore": "versioning:restore_version",
    "performance-calibration": "performance_calibration:calibrate",
    "pretrained-upload": "pretrained:import_model",
    "pretrained-profile": "pretrained:profile_stored",
}


def job_function(kind: str) -> Callable[[Task], None]:
    """Return the function that runs a kind of job. Its module is imported only now: some need TensorFlow."""
    if kind not in KINDS:
        raise ApiError(f"There is no job of kind {kind!r}")
    module, _, name = KINDS[kind].partition(":")
    function: Callable[[Task], None] = getattr(import_module(f"ei_toolkit.studio.jobs.{module}"), name)
    return function
