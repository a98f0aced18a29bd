"""The state of a project, read once from its files and runs, for the report, the model card and the figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ei_toolkit.config import Config
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.lockfile import Lock, read_lock
from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.dataset.window_store import WindowReader, reader_of
from ei_toolkit.eon.profile import Profile, profile_model
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.run_log import Run, list_runs, record_run

EVALUATION_NAME = "evaluation.json"
MODEL_OF = {
    "gate": "challenger_sha256",
    "flash": "model_sha256",
}  # kinds of run that are about one model: the key of its hash
SECONDS = len("2026-11-21T00:00:00")  # the part of a time that runs and studios write in the same form


@dataclass(frozen=True)
class ProjectSummary:
    """Windows, runs, evaluations and pinned model of a project; the fields of steps that were not done are empty."""

    config: Config
    windows: tuple[Window, ...]
    runs: tuple[Run, ...]
    evaluation: Mapping[str, Any]
    lock: Lock | None
    suite: Mapping[str, Any] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels in the studio's order, which is alphabetical."""
        return tuple(sorted({window.label for window in self.windows}))

    @property
    def model(self) -> bytes | None:
        """Return the pinned .tflite file, or None where it does not exist."""
        file = self.config.paths.root / self.lock.model if self.lock else None
        return file.read_bytes() if file and file.is_file() else None

    @cached_property
    def reader(self) -> WindowReader:
        """Return the reader of the windows."""
        return reader_of(self.config)

    @cached_property
    def profile(self) -> Profile | None:
        """Return the size and speed of the pinned model; the first call takes seconds."""
        return profile_model(self.model) if self.model is not None else None

    def of_kind(self, kind: str) -> list[Run]:
        """Return the runs of one kind, oldest first."""
        return [run for run in self.runs if run.kind == kind]

    def latest(self, kind: str) -> Mapping[str, Any]:
        """Return the metrics of the latest run of a kind; gate and flash runs must be about the pinned model."""
        named, pinned = MODEL_OF.get(kind), self.lock.model_sha256 if self.lock else ""
        runs = [run for run in self.of_kind(kind) if named is None or run.metrics.get(named) == pinned]
        return runs[-1].metrics if runs else {}


def gather_summary(config: Config) -> ProjectSummary:
    """Read the state of a project. Raises MissingStepError before `eitk slice`: then there is nothing to report."""
    runs, lock = tuple(list_runs(config.paths)), read_lock(config.paths.lock)
    evaluation = read_evaluation(config.paths.state)
    return ProjectSummary(
        config=config,
        windows=Manifest.read(config.paths.manifest).windows,
        runs=runs,
        evaluation=evaluation if _is_about_the_pinned(evaluation, runs, lock) else {},
        lock=lock,
        suite=_read_results(config.paths.suite, "eitk evaluate --suite"),
    )


def _is_about_the_pinned(evaluation: Mapping[str, Any], runs: Sequence[Run], lock: Lock | None) -> bool:
    """Return False for a test of a model that was pinned earlier; the other protocols train their own models."""
    made = [run.created for run in runs if run.kind == "evaluation"]
    is_later = bool(made) and lock is not None and made[-1][:SECONDS] >= lock.created[:SECONDS]
    return evaluation.get("protocol") != "test" or is_later


def read_evaluation(state: Path) -> Mapping[str, Any]:
    """Return the last result of `eitk evaluate`; empty before it. Raises DataError for a damaged file."""
    return _read_results(state / EVALUATION_NAME, "eitk evaluate")


def _read_results(file: Path, again: str) -> Mapping[str, Any]:
    """Return the JSON object in a file; empty without the file. `again` is the command that writes it."""
    if not file.is_file():
        return {}
    try:
        found = read_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} is damaged", why=str(error), hint=again) from None
    if not isinstance(found, dict):
        raise DataError(f"{file} is damaged", hint=again)
    return found


def write_evaluation(config: Config, data: Mapping[str, Any]) -> None:
    """Write an evaluation to `.eitk/evaluation.json`, and record it as a run without its clips and models."""
    write_text(config.paths.state / EVALUATION_NAME, json.dumps(data, indent=1))
    record_run(config, "evaluation", {key: value for key, value in data.items() if key not in ("tracks", "models")})


def held_out_windows(windows: Sequence[Window], label: str) -> list[Window]:
    """Return the held-out windows of a label that are not augmented."""
    return [
        window for window in windows if window.label == label and window.split == "testing" and not window.augmentation
    ]
