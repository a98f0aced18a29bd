"""`eitk calibrate`: Choose threshold, smoothing and hold time of the board from recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group

from ei_toolkit.api.calibrating import calibrate as choose
from ei_toolkit.api.calibrating import saved_settings, trade_off
from ei_toolkit.api.project import Project
from ei_toolkit.cli.connection import connect
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.outcomes import warn_of_some
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.config import CONFIG_NAME, Config
from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.config.change import change_settings
from ei_toolkit.config.units import counted
from ei_toolkit.errors import GateNotMet, MissingStepError, UsageError
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
    from_studio: Annotated[
        bool, typer.Option("--from-studio", help="Take the parameters that were saved in the studio.")
    ] = False,
    picture: Annotated[Path | None, typer.Option(help="Write the trade-off curve as PNG.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Choose the settings, but do not write them.")] = False,
) -> None:
    """Choose threshold, smoothing and hold time of the board from recordings.

    The settings must meet the stated aims on half of the groups, and are tested on the other half. They are written
    to eitk.toml, and the sketch that is built next has them. Exit code 7 if no settings meet the aims, or if the other
    half contradicts them; eitk.toml then stays as it is. --from-studio writes the parameters that were saved in the
    studio's performance calibration instead.
    """
    env = Environment.of(context)
    config = env.config()
    if from_studio:
        if recordings or picture or max_false_per_hour is not None or min_recall is not None:
            raise UsageError("--from-studio takes no recordings, aims or picture", hint="eitk calibrate --from-studio")
        _write_saved(env, config, dry_run)
        return
    output = check_output(env.cwd / picture) if picture else None
    with env.console.progress("recordings") as progress:
        done = choose(
            Project(config, env.environ),
            max_false_per_hour=max_false_per_hour,
            min_recall=None if min_recall is None else min_recall / 100,
            recordings=env.cwd / recordings if recordings else None,
            dry_run=dry_run,
            on_progress=lambda now: progress.to(now.done, now.text),
        )
    warn_of_some(env, done.skipped)
    if output:
        write_bytes(output, trade_off(done.found).png())
    found, board = done.found, done.board
    data = {**done.to_dict(), "dry_run": dry_run}
    env.console.result(data, Group(curve_table(found, board).rich(), calibration_table(found).rich()))
    if not done.holds:
        raise GateNotMet(
            f"the aim does not hold on the groups that were kept back; {CONFIG_NAME} stays as it is",
            why=f"the intervals of {counted(found.kept_back.recordings, 'recording')} exclude it",
            hint="Calibrate with more recordings of more groups, or state a weaker aim.",
        )
    if not dry_run:
        env.console.note(
            f"wrote {', '.join(f'{key} = {value}' for key, value in done.settings.items())} to {config.file}"
        )


def _write_saved(env: Environment, config: Config, dry_run: bool) -> None:
    """Write the parameters that were saved in the studio to eitk.toml."""
    if config.file is None:
        raise MissingStepError(f"there is no {CONFIG_NAME} in {env.cwd} or above", hint="eitk init")
    board = config.settings.board
    changes = saved_settings(connect(env, config), board)
    before = {key: getattr(board, key.removeprefix("board.")) for key in changes}
    change_settings(config.file, changes, dry_run=dry_run)
    listed = ", ".join(f"{key} = {value:g}" for key, value in changes.items())
    verb = "would write" if dry_run else "wrote"
    env.console.result({"settings": changes, "before": before, "dry_run": dry_run}, f"{verb} {listed} to {config.file}")
