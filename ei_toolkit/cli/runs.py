"""`eitk runs`: Recorded trainings, evaluations, builds, flashes and gates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console as RichConsole
from rich.console import Group, RenderableType
from rich.table import Table as RichTable

from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.config.atomic_write import write_bytes, write_text
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
from ei_toolkit.report.run_comparison import (
    changes,
    comparison_figure,
    histories,
    results_table,
    settings_table,
)
from ei_toolkit.report.tables import Table
from ei_toolkit.report.terminal_plot import PLOT_COLUMNS, plots_side_by_side

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
    whole: Annotated[bool, typer.Option("--all", help="Also the results that are the same, and each epoch.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="File for a figure of accuracies and curves: .png, or .html with the tables.")
    ] = None,
) -> None:
    """Show the settings that differ between runs, and their results with the change from the first run.

    On a terminal of 104 columns or more, the learning curves of trainings are drawn as well.
    """
    if len(set(runs)) < 2:
        raise UsageError("one run cannot be compared", hint="Name two or more; eitk runs show prints one.")
    env = Environment.of(context)
    found = [find_run(env.config().paths, number) for number in runs]
    differing, measured = differences(found), metrics(found)
    data = {"runs": runs, "differences": differing, "metrics": measured, "changes": changes(measured)}
    file = _checked_plot(env, plot) if plot else None
    env.console.result(data, Group(*_comparison(found, env.console.rich(env.console.stdout), whole)))
    if file:
        _write_plot(env, file, found)


def _comparison(runs: Sequence[Run], terminal: RichConsole, whole: bool) -> Iterator[RenderableType]:
    tables = [table for table in (settings_table(runs), results_table(runs, whole=whole)) if table]
    yield from (table.rich() for table in tables)
    if not tables:
        yield "the runs have the same settings and results"
    curves = [(measure, histories(runs, measure)) for measure in ("accuracy", "loss")]
    if terminal.is_terminal and terminal.width >= PLOT_COLUMNS and any(len(lines) > 1 for _, lines in curves):
        yield plots_side_by_side(curves)


def _checked_plot(env: Environment, plot: Path) -> Path:
    """Return the file. Raises UsageError for a suffix that is not one of a figure, or a folder that is missing."""
    if plot.suffix.lower() not in (".png", ".html"):
        raise UsageError(f"--plot: {plot.name} is no figure", hint="Name a file that ends in .png or .html.")
    return check_output(env.cwd / plot)


def _write_plot(env: Environment, file: Path, runs: Sequence[Run]) -> None:
    figure = comparison_figure(runs)
    if file.suffix.lower() == ".html":
        from ei_toolkit.report.html.page import build_comparison_page  # takes longer than `eitk runs list`

        write_text(file, build_comparison_page(env.config().settings.project.name, runs))
    elif figure is None:
        raise UsageError("--plot: these runs have neither accuracies nor learning curves")
    else:
        write_bytes(file, figure.png())
    env.console.note(f"wrote {file}")


@group.command()
def export(
    context: typer.Context,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; stdout without it.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind of run.", callback=_known_kind)] = None,
) -> None:
    """Write all runs as CSV, or as JSON with --json."""
    env = Environment.of(context)
    runs = list_runs(env.config().paths, kind)
    if not runs:
        env.console.note("there are no runs yet")
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
