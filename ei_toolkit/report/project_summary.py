"""Everything that is known about a project, gathered once, for the report, the card and the nightly summary."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ei_toolkit.config import Config
from ei_toolkit.config.lockfile import Lock, read_lock
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.eon.profile import Profile, profile_model
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.run_log import Run, list_runs
from ei_toolkit.report.result_tables import EVALUATION_NAME

MODEL_OF = {"gate": "challenger_sha256", "flash": "model_sha256"}  # kinds of run that are about one model, and which
SECONDS = len("2026-11-21T00:00:00")  # what the clocks of runs and studios write alike


@dataclass(frozen=True)
class ProjectSummary:
    """What the project's files and runs say; whatever has not been done yet is empty."""

    config: Config
    windows: tuple[Window, ...]
    runs: tuple[Run, ...]
    evaluation: Mapping[str, Any]
    lock: Lock | None

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels, sorted, as a studio orders them."""
        return tuple(sorted({window.label for window in self.windows}))

    @property
    def model(self) -> bytes | None:
        """The pinned .tflite, where it is still there."""
        file = self.config.paths.root / self.lock.model if self.lock else None
        return file.read_bytes() if file and file.is_file() else None

    @cached_property
    def profile(self) -> Profile | None:
        """What the pinned model takes on the board; takes seconds, once."""
        return profile_model(self.model) if self.model is not None else None

    def of_kind(self, kind: str) -> list[Run]:
        """Runs of one kind, oldest first."""
        return [run for run in self.runs if run.kind == kind]

    def latest(self, kind: str) -> Mapping[str, Any]:
        """Metrics of the latest run of a kind; of a gate or flash, of the pinned model. Empty before the first."""
        named, pinned = MODEL_OF.get(kind), self.lock.model_sha256 if self.lock else ""
        runs = [run for run in self.of_kind(kind) if named is None or run.metrics.get(named) == pinned]
        return runs[-1].metrics if runs else {}


def gather_summary(config: Config) -> ProjectSummary:
    """Read what there is. Raises DataError before `eitk slice`: then there is nothing to report on."""
    runs, lock = tuple(list_runs(config.paths)), read_lock(config.paths.lock)
    evaluation = read_evaluation(config.paths.state)
    return ProjectSummary(
        config=config,
        windows=Manifest.read(config.paths.manifest).windows,
        runs=runs,
        evaluation=evaluation if _is_about_the_pinned(evaluation, runs, lock) else {},
        lock=lock,
    )


def _is_about_the_pinned(evaluation: Mapping[str, Any], runs: Sequence[Run], lock: Lock | None) -> bool:
    """False for a trial of a model that was pinned before the present one; other protocols train their own."""
    made = [run.created for run in runs if run.kind == "evaluation"]
    is_later = bool(made) and lock is not None and made[-1][:SECONDS] >= lock.created[:SECONDS]
    return evaluation.get("protocol") != "test" or is_later


def read_evaluation(state: Path) -> Mapping[str, Any]:
    """The last `eitk evaluate`; empty before it. Raises DataError for a damaged file."""
    file = state / EVALUATION_NAME
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} is damaged", why=str(error), hint="eitk evaluate") from None
    if not isinstance(found, dict):
        raise DataError(f"{file} is damaged", hint="eitk evaluate")
    return found


def held_out_windows(windows: Sequence[Window], label: str) -> list[Window]:
    """Held-out windows of a label that are not augmented."""
    return [
        window for window in windows if window.label == label and window.split == "testing" and not window.augmentation
    ]
