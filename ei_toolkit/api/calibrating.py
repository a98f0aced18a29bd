"""Calibration in Python: choose threshold, smoothing and hold time of the board from recordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ei_toolkit.api.progress import OnProgress, ignore_progress, progress_of
from ei_toolkit.api.project import Project
from ei_toolkit.api.results import Result, shown
from ei_toolkit.client.calibration import saved_parameters
from ei_toolkit.client.project import Studio
from ei_toolkit.config import CONFIG_NAME
from ei_toolkit.config.change import change_settings
from ei_toolkit.config.settings import BoardSettings
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.errors import MissingStepError, UsageError
from ei_toolkit.evaluation.calibration import Calibration, choose_settings, collect_recordings
from ei_toolkit.evaluation.candidate import challenger
from ei_toolkit.impulse.calibration import Aim, OperatingPoint
from ei_toolkit.report import figures
from ei_toolkit.report.tables import Cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class BoardCalibration(Result):
    """Settings of the board that meet an aim on half of the groups, and whether it holds on the other half.

    `settings` has `board.threshold`, `board.smoothing` and `board.hold_ms`, `before` the values in force. `skipped`
    are the recordings that could not be used, with the reasons.
    """

    settings: Mapping[str, Any]
    before: Mapping[str, Any]
    holds: bool
    skipped: tuple[str, ...]
    found: Calibration
    board: BoardSettings

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, what they give on both halves, and the trade-off; recall is a fraction from 0 to 1."""
        return {
            "settings": dict(self.settings), "before": dict(self.before), "validation": self.found.validation.data(),
            "kept_back": self.found.kept_back.data(), "holds": self.holds, "curve": self.records(),
            "skipped": list(self.skipped),
        }  # fmt: skip

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each point of the trade-off: settings, false accepts per hour, recall from 0 to 1."""
        return [_row(point, self.board) for point in self.found.curve]

    def figure(self) -> Figure:
        """Return the trade-off: recall against false accepts per hour; the chosen point is marked."""
        return shown(trade_off(self.found))


def calibrate(
    project: Project,
    *,
    max_false_per_hour: float | None = None,
    min_recall: float | None = None,
    recordings: Path | str | None = None,
    dry_run: bool = False,
    on_progress: OnProgress = ignore_progress,
) -> BoardCalibration:
    """Choose threshold, smoothing and hold time of the board, and write them into eitk.toml if the aim holds.

    Args:
        project: A project with a pinned model.
        max_false_per_hour: Most detections of a wrong label in an hour of sound.
        min_recall: Smallest fraction of recordings, from 0 to 1, whose label is recognised.
        recordings: Folder of labelled recordings, or of logs of `eitk tail --json`; None means the testing clips.
        dry_run: Whether eitk.toml stays as it is.
        on_progress: Called with the number of recordings that were classified.

    Returns:
        The settings. Where `holds` is False, the groups that were kept back contradict the aim, and nothing is written.

    Raises:
        UsageError: No aim is stated.
        MissingStepError: There is no eitk.toml, or no model is pinned.
        GateNotMet: No settings meet the aim.
        DataError: There are too few recordings.
    """
    if max_false_per_hour is None and min_recall is None:
        raise UsageError("no aim is stated", hint="eitk calibrate --max-false-per-hour 10, or --min-recall 90, or both")
    config, aim = project.config, Aim(max_false_per_hour, min_recall)
    if config.file is None and not dry_run:
        raise MissingStepError(f"there is no {CONFIG_NAME} in {config.paths.root} or above", hint="eitk init")
    manifest = Manifest.read(config.paths.manifest)
    candidate, board = challenger(config, manifest), config.settings.board
    folder = Path(recordings).expanduser() if recordings else None
    progress = progress_of("classifying recordings", None, on_progress)
    collected = collect_recordings(config, candidate, manifest, folder, progress)
    found = choose_settings(collected.recordings, candidate.labels, aim, board)
    changes = {
        "board.threshold": found.chosen.threshold,
        "board.smoothing": found.chosen.smoothing,
        "board.hold_ms": found.chosen.hold * board.hop_ms,
    }
    holds = found.kept_back.reaches(aim)
    if config.file and holds:
        change_settings(config.file, changes, dry_run=dry_run)
    before = {key: getattr(board, key.removeprefix("board.")) for key in changes}
    return BoardCalibration(changes, before, holds, tuple(collected.skipped), found, board)


def saved_settings(studio: Studio, board: BoardSettings) -> dict[str, Any]:
    """Return the settings of the board for the parameters that were saved in a studio.

    The time of averaging becomes a number of predictions. Raises MissingStepError if no parameters were saved.
    """
    saved = saved_parameters(studio)
    if saved is None:
        raise MissingStepError(
            "no parameters of a performance calibration are saved in the studio",
            hint="Save a parameter set there, or calibrate with recordings: eitk calibrate --min-recall 90",
        )
    return {
        "board.threshold": saved.detection_threshold,
        "board.smoothing": max(1, round(saved.average_window_duration_ms / board.hop_ms)),
        "board.hold_ms": round(saved.suppression_ms),
    }


def trade_off(found: Calibration) -> figures.Figure:
    """Return the figure of a trade-off."""
    curve, chosen = found.curve[::-1], found.validation.point
    return figures.trade_off(
        [one.false_per_hour for one in curve], [one.recall for one in curve],
        (chosen.false_per_hour, chosen.recall), found.chosen.threshold,
    )  # fmt: skip


def _row(point: OperatingPoint, board: BoardSettings) -> dict[str, Cell]:
    own = point.decisions
    return {
        "threshold": own.threshold, "smoothing": own.smoothing, "hold_ms": own.hold * board.hop_ms,
        "false_accepts_per_hour": point.false_per_hour, "recall": point.recall,
    }  # fmt: skip
