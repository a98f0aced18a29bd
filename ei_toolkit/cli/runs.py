"""`eitk runs`: Recorded trainings, evaluations, builds, flashes and gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table as RichTable

from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.json_text import json_text
from ei_toolkit.config.units import counted, local_time
from ei_toolkit.errors import UsageError
from ei_toolkit.evaluation.run_log import (
    KINDS,
    Run,
    differences,
    find_run,
    find_same,
    flatten,
    list_runs,
    metrics,
    short_result,
    to_csv,
)
from ei_toolkit.report.tables import Table

WIDE_COLUMNS = 100  # of a terminal that shows the hashes of a run, too

group = typer.Typer(no_args_is_help=True, help="Recorded trainings, evaluations, builds, flashes and gates.")


def _known_kind(kind: str | None) -> str | None:
    """Return a kind of run. Raises BadParameter, which names the option, for another one."""
    if kind is not None and kind not in KINDS:
        raise typer.BadParameter(f"there is no kind of run {kind!r}. Kinds: {', '.join(KINDS)}.")
    return kind


@group.command("list")
def list_(
    context: typer.Context,
    kind: Annotated[
        str | None,
        typer.Option(help="Only this kind: train, evaluation, build, flash, verify or gate.", callback=_known_kind),
    ] = None,
    last: Annotated[int, typer.Option(help="Only the last N runs; 0 means all.", min=0)] = 20,
) -> None:
    """List runs, newest last."""
    env = Environment.of(context)
    runs = list_runs(env.config().paths, kind)[-last:]
    none = f"there are no runs of the kind {kind} yet" if kind else "there are no runs yet"
    env.console.result(
        [_data(run) for run in runs], _list_of(runs, env.console.rich(env.console.stdout).width) if runs else none
    )


def _list_of(runs: Sequence[Run], columns: int) -> RichTable:
    """A line for each run; the hashes are left out where they would push the result to several lines."""
    head = ("run", "when", "kind", "result") + (("windows", "fingerprint") if columns >= WIDE_COLUMNS else ())
    rows = [
        (run.id, local_time(run.created), run.kind, short_result(run), run.data_hash[:12], run.fingerprint)
        for run in runs
    ]
    table = Table("", head, tuple(row[: len(head)] for row in rows)).rich()
    for name, column in zip(head, table.columns, strict=True):
        column.no_wrap = name != "result"
    return table


@group.command()
def show(context: typer.Context, run: Annotated[int, typer.Argument(help="Number of the run.")]) -> None:
    """Show one run with all its settings and metrics."""
    env = Environment.of(context)
    found = find_run(env.config().paths, run)
    data = _data(found)
    env.console.result(data, _table({key: [value] for key, value in flatten(data)}, [found]))


@group.command()
def compare(
    context: typer.Context,
    runs: Annotated[list[int], typer.Argument(help="Numbers of two or more runs.")],
) -> None:
    """Show the settings that differ between runs, and their metrics side by side."""
    if len(set(runs)) < 2:
        raise UsageError("one run cannot be compared", hint="Name two or more; eitk runs show prints one.")
    env = Environment.of(context)
    found = [find_run(env.config().paths, number) for number in runs]
    differing, measured = differences(found), metrics(found)
    data = {"runs": runs, "differences": differing, "metrics": measured}
    env.console.result(data, _table(differing | measured, found))


@group.command()
def export(
    context: typer.Context,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; stdout without it.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind of run.", callback=_known_kind)] = None,
) -> None:
    """Write all runs as CSV, or as JSON with --json."""
    env = Environment.of(context)
    runs = list_runs(env.config().paths, kind)
    text = json_text([_data(run) for run in runs]) + "\n" if env.console.json_output else to_csv(runs)
    if output is None:
        env.console.line(text.rstrip("\n"))
    else:
        write_text(check_output(env.cwd / output), text)
        env.console.note(f"wrote {counted(len(runs), 'run')} to {output}")


@group.command()
def seen(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(help="Kind of run: train, evaluation, build, flash, verify or gate.", callback=_known_kind)
    ],
) -> None:
    """Check for a run with the present settings, windows and code. Exit code 1 if there is none."""
    env = Environment.of(context)
    run = find_same(env.config(), kind)  # type: ignore[arg-type]
    env.console.result(
        {"seen": run is not None, "run": run and run.id},
        f"run {run.id} of {run.created}: same settings, windows and code" if run else f"no such {kind} yet",
    )
    if run is None:
        raise typer.Exit(1)


def _data(run: Run) -> dict[str, Any]:
    return asdict(run)


def _table(rows: Mapping[str, Sequence[Any]], runs: Sequence[Run]) -> RichTable:
    head = ("", *(f"run {run.id}" for run in runs))
    return Table("", head, tuple((key, *values) for key, values in rows.items())).rich()
