"""`eitk slice`: Cut clips into windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table as RichTable

from ei_toolkit.api.settings_check import check_files
from ei_toolkit.audio.formats import HOW_TO_INSTALL, NEEDS_FFMPEG
from ei_toolkit.board.early_checks import board_warnings
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.next_step import note_next_step
from ei_toolkit.cli.options import (
    ChannelOption,
    FloatRangeOption,
    GroupFromOption,
    GroupPatternOption,
    LabelsFromOption,
    SplitFromOption,
)
from ei_toolkit.cli.outcomes import warn_of_some, write_outcomes
from ei_toolkit.compute import cores
from ei_toolkit.config import Config
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.folder import read_clips
from ei_toolkit.dataset.plan import Plan, Row, Skipped, clips_root, plan_slices, rows_of_plan, rows_of_windows
from ei_toolkit.dataset.slicing import SliceReport, Warned, slice_clips
from ei_toolkit.report.file_outcomes import FileOutcome
from ei_toolkit.report.layout_tables import layout_data, layout_text
from ei_toolkit.report.tables import Table

CUT = ("windows", "augmented")  # counts that are known only after cutting
PLANNED = ("seconds",)  # known only before cutting


def slice_(
    context: typer.Context,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Number of processes; default: the number of cores.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report the split of each clip.")] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Write skipped and warned clips with the reasons as CSV."),
    ] = None,
    channel: ChannelOption = None,
    float_range: FloatRangeOption = None,
    labels_from: LabelsFromOption = None,
    split_from: SplitFromOption = None,
    group_from: GroupFromOption = None,
    group_pattern: GroupPatternOption = None,
) -> None:
    """Cut clips into windows.

    The layout of the data set is shown first: labels, splits and groups, and what is left out. Clips are split by
    group, such as an artist or a speaker, and normalised, training windows are augmented, and all windows are listed
    in a manifest.
    """
    env = Environment.of(context)
    config = env.config(
        dataset__labels_from=labels_from, dataset__split_from=split_from, dataset__group_from=group_from,
        dataset__group_pattern=group_pattern, slice__channel=channel, slice__float_range=float_range,
    )  # fmt: skip
    check_files(config)
    for warning in board_warnings(config.settings):
        env.console.warn(warning)
    if dry_run:
        _show_plan(env, config, jobs or cores(), report)
    else:
        _slice(env, config, jobs or cores(), report)


def _show_plan(env: Environment, config: Config, workers: int, report: Path | None) -> None:
    """Show what slicing would do, for --dry-run."""
    plan = plan_slices(config.settings, config.paths.root, workers)
    _write_report(env, report, plan.skipped, ())
    rows = rows_of_plan(plan)
    env.console.note(layout_text(plan.layout, rows))
    _show(env, rows, plan.skipped, {"dry_run": True, "layout": layout_data(plan.layout, rows)})


def _slice(env: Environment, config: Config, workers: int, report: Path | None) -> None:
    settings = config.settings
    folder = read_clips(clips_root(settings.dataset, config.paths.root), settings.project.labels, settings.dataset)
    shown: list[Row] = []

    def show(plan: Plan) -> None:
        shown.extend(rows_of_plan(plan))
        env.console.note(layout_text(plan.layout, shown))

    with env.console.progress("slicing clips", len(folder.clips)) as progress:
        done = slice_clips(settings, config.paths.root, config.paths.windows, workers, progress.to, show)
    _write_report(env, report, done.skipped, done.warned)
    _show_warnings(env, done)
    extra = {
        "manifest": str(config.paths.manifest), "duplicates": done.duplicates, "reused": done.reused,
        "warnings": [f"{one.clip}: {one.warning}" for one in done.warned], "counts": done.counts,
        "layout": layout_data(folder.layout, shown),
    }  # fmt: skip
    _show(env, rows_of_windows(done.windows), done.skipped, extra)
    note_next_step(env, "slice")


def _show_warnings(env: Environment, done: SliceReport) -> None:
    if done.reused:
        env.console.note("nothing has changed since the last run; the windows are kept as they are")
    warn_of_some(env, [f"{one.clip}: {one.warning}" for one in done.warned], "warnings")
    if done.duplicates:
        env.console.note(f"left out {counted(done.duplicates, 'window')} with the samples of another window")
    counts = done.counts
    env.console.note(
        f"{counted(counts['read'], 'clip')} read: {counts['converted']} cut into windows, {counts['padded']} padded,"
        f" {counts['warned']} with warnings, {counts['skipped']} skipped"
    )


def _write_report(env: Environment, file: Path | None, skipped: Sequence[Skipped], warned: Sequence[Warned]) -> None:
    """Write one row for each clip that was skipped or warned of."""
    outcomes = [FileOutcome(one.clip, "skipped", one.reason) for one in skipped]
    write_outcomes(env, file, [*outcomes, *(FileOutcome(one.clip, "warned", one.warning) for one in warned)])


def _show(env: Environment, rows: list[Row], skipped: Sequence[Skipped], extra: dict[str, Any]) -> None:
    if unread := [item for item in skipped if NEEDS_FFMPEG in item.reason]:
        env.console.warn(f"only ffmpeg reads the formats of {counted(len(unread), 'clip')}. {HOW_TO_INSTALL}")
    warn_of_some(env, [f"skipped {item.clip}: {item.reason}" for item in skipped])
    unknown = CUT if "dry_run" in extra else PLANNED
    shown = [{key: value for key, value in asdict(row).items() if key not in unknown} for row in rows]
    data = {"rows": shown, "skipped": [asdict(item) for item in skipped], **extra}
    env.console.result(data, _table(shown))


def _table(rows: list[dict[str, Any]]) -> RichTable:
    names = [name for name in ("label", "split", "windows", "clips", "groups") if not rows or name in rows[0]]
    table = Table("", tuple(names), tuple(tuple(row[name] for name in names) for row in rows)).rich()
    for column in table.columns[2:]:
        column.justify = "right"
    return table
