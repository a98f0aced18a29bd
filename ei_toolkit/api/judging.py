"""The gate in Python: compare the pinned model with the champion, and restore an earlier champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ei_toolkit.api.progress import OnProgress, ignore_progress, progress_of
from ei_toolkit.api.project import Project
from ei_toolkit.api.results import Result
from ei_toolkit.evaluation.challenge import challenge
from ei_toolkit.evaluation.champions import StoredChampion, champion_file, pin_champion, roll_back
from ei_toolkit.evaluation.champions import list_champions as stored_champions
from ei_toolkit.evaluation.run_log import record_run
from ei_toolkit.report.tables import Cell


@dataclass(frozen=True)
class GateVerdict(Result):
    """The verdict of the gate on a candidate.

    `text` states it, `reasons` state why a candidate was rejected, and `figures` are what it rests on.
    `champion_is_pinned` is whether eitk.lock names the champion again after a rejection.
    """

    passed: bool
    text: str
    reasons: tuple[str, ...]
    figures: Mapping[str, Any]
    champion_is_pinned: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, as `eitk gate --json` prints them; accuracies are fractions from 0 to 1."""
        return dict(self.figures)

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each requirement: its name, whether it is met, and its text."""
        return [dict(check) for check in self.figures["checks"]]


@dataclass(frozen=True)
class Champions(Result):
    """The champion of the gate and the earlier ones, newest last."""

    champions: tuple[StoredChampion, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return each champion with its name, the time of its promotion, and its accuracy from 0 to 1."""
        return {"champions": self.records()}

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each champion."""
        return [asdict(one) for one in self.champions]


def gate(project: Project, *, dry_run: bool = False, on_progress: OnProgress = ignore_progress) -> GateVerdict:
    """Compare the pinned model with the champion on held-out clips, and promote it if it passes.

    After a rejection eitk.lock names the champion again, if its build is still there.

    Args:
        project: A project with a built model; `[gate]` has the requirements.
        dry_run: Whether nothing is promoted, recorded or changed.
        on_progress: Called with the number of conditions that were tested.

    Returns:
        The verdict. A candidate that does not pass is no exception.

    Raises:
        MissingStepError: There is no model, or there are no windows.
        DataError: No clip is left to test with.
        ConfigurationError: The candidate and the champion have different labels.
    """
    config = project.config
    verdict, figures = challenge(config, progress_of("testing conditions", None, on_progress), dry_run=dry_run)
    if not dry_run:
        record_run(config, "gate", figures)
    pinned = not verdict.passed and not dry_run and pin_champion(config.paths, champion_file(config.paths))
    return GateVerdict(verdict.passed, verdict.text, tuple(verdict.reasons), figures, pinned)


def list_champions(project: Project) -> Champions:
    """Return the champion of the gate and the earlier ones.

    Args:
        project: The project.

    Returns:
        All champions, newest last; none is not an error.

    Raises:
        DataError: The file of a champion is damaged.
    """
    return Champions(tuple(stored_champions(project.config.paths)))


def restore_champion(project: Project, name: str | None = None) -> Champions:
    """Restore an earlier champion; the present one stays in the list.

    Args:
        project: The project.
        name: Name of the champion; None means the one that the present champion has replaced.

    Returns:
        All champions, with the restored one as the present one.

    Raises:
        MissingStepError: There is no champion.
        UsageError: There is no champion with this name, or no earlier one.
    """
    roll_back(project.config.paths, name)
    return list_champions(project)
