"""`eitk calibrate`: Choose threshold, smoothing and hold time of the board from recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group

from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.outcomes import warn_of_some
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.config import CONFIG_NAME
from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.config.change import change_settings
from ei_toolkit.config.settings import BoardSettings
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.errors import GateNotMet, MissingStepError, UsageError
from ei_toolkit.evaluation.calibration import Calibration, choose_settings, collect_recordings
from ei_toolkit.evaluation.candidate import challenger
from ei_toolkit.impulse.calibration import Aim, OperatingPoint
from ei_toolkit.report.calibration_tables import calibration_table, curve_table


def calibrate(
    context: typer.Context,
    recordings: Annotated[
        Path | None,
        typer.Argument(help="Folder of labelled recordings or logs of eitk tail --json; default: the testing clips."),
    ] = None,
    max_false_per_hour: Annotated[
        float | None, typer.Option(min=0, help="Most detections of a wrong label in an hour of sound.")
    ] = None,
    min_recall: Annotated[
        float | None,
        typer.Option(min=0, max=100, help="Smallest percentage of recordings whose label is recognised."),
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Write the trade-off curve as PNG.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Choose the settings, but do not write them.")] = False,
) -> None:
    """Choose threshold, smoothing and hold time of the board from recordings.

    The settings must meet the stated aims on half of the groups, and are tested on the other half. They are written
    to eitk.toml, and the sketch that is built next has them. Exit code 7 if no settings meet the aims, or if the other
    half contradicts them; eitk.toml then stays as it is.
    """
    env = Environment.of(context)
    if max_false_per_hour is None and min_recall is None:
        raise UsageError("no aim is stated", hint="eitk calibrate --max-false-per-hour 10, or --min-recall 90, or both")
    config = env.config()
    if config.file is None and not dry_run:
        raise MissingStepError(f"there is no {CONFIG_NAME} in {env.cwd} or above", hint="eitk init")
    output = check_output(env.cwd / picture) if picture else None
    aim = Aim(max_false_per_hour, None if min_recall is None else min_recall / 100)
    manifest = Manifest.read(config.paths.manifest)
    candidate, board = challenger(config, manifest), config.settings.board
    with env.console.progress("recordings") as progress:
        collected = collect_recordings(
            config, candidate, manifest, env.cwd / recordings if recordings else None, progress.to
        )
    warn_of_some(env, collected.skipped)
    found = choose_settings(collected.recordings, candidate.labels, aim, board)
    changes = {
        "board.threshold": found.chosen.threshold,
        "board.smoothing": found.chosen.smoothing,
        "board.hold_ms": found.chosen.hold * board.hop_ms,
    }
    if output:
        write_bytes(output, _png(found))
    holds = found.kept_back.reaches(aim)
    if config.file and holds:
        change_settings(config.file, changes, dry_run=dry_run)
    before = {key: getattr(board, key.removeprefix("board.")) for key in changes}
    data = {
        "settings": changes, "before": before, "validation": found.validation.data(),
        "kept_back": found.kept_back.data(), "holds": holds, "dry_run": dry_run,
        "curve": [_point(one, board) for one in found.curve], "skipped": collected.skipped,
    }  # fmt: skip
    env.console.result(data, Group(curve_table(found, board).rich(), calibration_table(found).rich()))
    if not holds:
        raise GateNotMet(
            f"the aim does not hold on the groups that were kept back; {CONFIG_NAME} stays as it is",
            why=f"the intervals of {counted(found.kept_back.recordings, 'recording')} exclude it",
            hint="Calibrate with more recordings of more groups, or state a weaker aim.",
        )
    if not dry_run:
        env.console.note(f"wrote {', '.join(f'{key} = {value}' for key, value in changes.items())} to {config.file}")


def _point(point: OperatingPoint, board: BoardSettings) -> dict[str, Any]:
    own = point.decisions
    return {
        "threshold": own.threshold, "smoothing": own.smoothing, "hold_ms": own.hold * board.hop_ms,
        "false_accepts_per_hour": point.false_per_hour, "recall": point.recall,
    }  # fmt: skip


def _png(found: Calibration) -> bytes:
    from ei_toolkit.report.figures import trade_off

    curve, chosen = found.curve[::-1], found.validation.point
    return trade_off(
        [one.false_per_hour for one in curve], [one.recall for one in curve],
        (chosen.false_per_hour, chosen.recall), found.chosen.threshold,
    ).png()  # fmt: skip
