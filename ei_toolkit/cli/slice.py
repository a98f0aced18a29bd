"""`eitk slice`: Cut clips into windows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table as RichTable

from ei_toolkit.cli.environment import Environment
from ei_toolkit.config.settings import FloatRange
from ei_toolkit.dataset.folder import find_clips
from ei_toolkit.dataset.plan import Row, Skipped, clips_root, plan_slices, rows_of_plan, rows_of_windows
from ei_toolkit.dataset.slicing import slice_clips
from ei_toolkit.report.tables import Table

CUT = ("windows", "augmented")  # counts that are known only after cutting
SHOWN = 10  # skipped clips named without --verbose


def slice_(
    context: typer.Context,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Number of processes; default: the number of cores.")
    ] = None,
    float_range: Annotated[
        FloatRange | None,
        typer.Option("--float-range", help="Range of the samples of floating-point files: unit (−1 to 1) or int16."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report the split of each clip.")] = False,
) -> None:
    """Cut clips into windows.

    Clips are split by artist and normalised, training windows are augmented, and all windows are listed in a
    manifest.
    """
    env = Environment.of(context)
    config = env.config(slice__float_range=float_range)
    workers = jobs or cores()
    if dry_run:
        plan = plan_slices(config.settings, config.paths.root, workers)
        _show(env, rows_of_plan(plan), plan.skipped, {"dry_run": True})
        return
    settings = config.settings
    total = len(find_clips(clips_root(settings.dataset, config.paths.root), settings.project.labels, settings.dataset))
    with env.console.progress("slicing clips", total) as progress:
        report = slice_clips(config.settings, config.paths.root, config.paths.windows, workers, progress.to)
    extra = {
        "manifest": str(config.paths.manifest),
        "duplicates": report.duplicates,
        "reused": report.reused,
        "warnings": list(report.warnings),
    }
    if report.reused:
        env.console.note("nothing has changed since the last run; the windows are kept as they are")
    for warning in report.warnings if env.console.verbose else report.warnings[:SHOWN]:
        env.console.warn(warning)
    if len(report.warnings) > SHOWN and not env.console.verbose:
        env.console.warn(f"… and {len(report.warnings) - SHOWN} more warnings; --verbose shows all of them")
    if report.duplicates:
        env.console.note(f"{report.duplicates} windows have the same samples as another window and were left out")
    _show(env, rows_of_windows(report.windows), report.skipped, extra)


def _show(env: Environment, rows: list[Row], skipped: Sequence[Skipped], extra: dict[str, Any]) -> None:
    for item in skipped if env.console.verbose else skipped[:SHOWN]:
        env.console.warn(f"skipped {item.clip}: {item.reason}")
    if len(skipped) > SHOWN and not env.console.verbose:
        env.console.warn(f"… and {len(skipped) - SHOWN} more; --verbose shows all of them")
    unknown = CUT if "dry_run" in extra else ()
    counted = [{key: value for key, value in asdict(row).items() if key not in unknown} for row in rows]
    data = {"rows": counted, "skipped": [asdict(item) for item in skipped], **extra}
    env.console.result(data, _table(counted))


def _table(rows: list[dict[str, Any]]) -> RichTable:
    names = [name for name in ("label", "split", "windows", "clips", "groups") if not rows or name in rows[0]]
    table = Table("", tuple(names), tuple(tuple(row[name] for name in names) for row in rows)).rich()
    for column in table.columns[2:]:
        column.justify = "right"
    return table


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
