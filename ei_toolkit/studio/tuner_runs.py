"""What is stored of the tuner: its configuration, the state of each run, and what clients ask of a running one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.jobs import Job

JOB_KEY = "optimize"
CONFIG, STATE, REQUESTS, MODEL = "tuner-config", "tuner-state", "tuner-requests", "tuner-model"
"""Kinds of results. The subject is the job of the run; that of the configuration is 0."""


@dataclass(frozen=True)
class TunerRuns:
    """The runs of one project."""

    store: Store
    project: int

    def config(self) -> dict[str, Any]:
        """Return the configuration. Raises ApiError if none was stored."""
        found = self._read(CONFIG, 0)
        if found is None:
            raise ApiError("The tuner has no configuration yet: send one to optimize/config")
        return found

    def set_config(self, config: Mapping[str, Any]) -> None:
        """Store the configuration of the next run."""
        self._write(CONFIG, 0, config)

    def state(self, job: int) -> dict[str, Any]:
        """Return the state of a run: its configuration, name and trials. Raises ApiError if there is none."""
        found = self._read(STATE, job)
        if found is None:
            raise ApiError(f"There is no run of the tuner with the job {job}")
        return found

    def set_state(self, job: int, state: Mapping[str, Any]) -> None:
        """Store the state of a run."""
        self._write(STATE, job, state)

    def requests(self, job: int) -> dict[str, Any]:
        """Return what clients ask of a run: trials to add, trials to end, and whether the search is complete."""
        return self._read(REQUESTS, job) or {"trials": [], "ended": [], "complete": None}

    def ask(self, job: int, **changes: Any) -> None:
        """Add something to the requests of a run; lists are extended."""
        with self.store.database.exclusive():
            found = self.requests(job)
            for name, value in changes.items():
                found[name] = [*found[name], *value] if isinstance(value, list) else value
            self._write(REQUESTS, job, found)

    def jobs(self) -> list[Job]:
        """Return the jobs of the runs that have a state, newest first."""
        found, _ = self.store.jobs.page(self.project, active=None, key=JOB_KEY)
        return [job for job in found if self._read(STATE, job.id) is not None]

    def latest(self) -> Job:
        """Return the job of the latest run. Raises ApiError if there is none."""
        found = self.jobs()
        if not found:
            raise ApiError("The tuner was not started in this project yet: start jobs/optimize")
        return found[0]

    def trial(self, trial: str) -> tuple[Job, dict[str, Any]]:
        """Return a trial by its id, and the job of its run. Raises ApiError if there is none."""
        for job in self.jobs():
            for each in self.state(job.id)["trials"]:
                if each["id"] == trial:
                    return job, each
        raise ApiError(f"There is no trial {trial[:80]!r}")

    def model_files(self, job: int, trial: str) -> dict[str, str]:
        """Return the digests of the model files of a trial, by name."""
        names = ("keras", "tflite-float32", "tflite-int8")
        found = {name: self.store.artifacts.result(self.project, MODEL, job, f"{trial}/{name}") for name in names}
        return {name: digest for name, digest in found.items() if digest}

    def forget(self, job: int) -> None:
        """Delete the state and the models of a run."""
        for kind in (STATE, REQUESTS, MODEL):
            self.store.artifacts.clear_results(self.project, kind, job)

    def _read(self, kind: str, subject: int) -> dict[str, Any] | None:
        while digest := self.store.artifacts.result(self.project, kind, subject):
            try:
                document: dict[str, Any] = json.loads(self.store.blobs.read(digest))
            except FileNotFoundError:  # it was replaced in the meantime
                continue
            return document
        return None

    def _write(self, kind: str, subject: int, document: Mapping[str, Any]) -> None:
        before = self.store.artifacts.result(self.project, kind, subject)
        blob = self.store.blobs.put(json.dumps(document).encode())
        self.store.artifacts.put_result(self.project, kind, subject, blob)
        if before and before != blob:
            self.store.blobs.remove(before)
