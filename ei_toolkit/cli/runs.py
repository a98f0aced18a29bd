"""`eitk runs`: what was trained, evaluated, built and flashed here, with what came out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ei_toolkit.cli.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table as RichTable

    from ei_toolkit.evaluation.run_log import Run


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(no_args_is_help=True, help="Every training, evaluation, build, flash and gate of this project.")
    group.command("list")(list_)
    group.command("show")(show)
    group.command("compare")(compare)
    group.command("export")(export)
    group.command("seen")(seen)
    app.add_typer(group, name="runs")


def list_(
    context: typer.Context,
    kind: Annotated[
        str | None, typer.Option(help="Only this kind: train, evaluation, build, flash, listen or gate.")
    ] = None,
    last: Annotated[int, typer.Option(help="Only the last N runs; 0 means all.", min=0)] = 20,
) -> None:
    """List runs, newest last."""
    from ei_toolkit.evaluation.run_log import gist, list_runs
    from ei_toolkit.report.tables import Table

    env = Environment.of(context)
    runs = list_runs(env.config().paths, kind)[-last:]
    rows = [(run.id, run.created, run.kind, run.data_hash[:12], run.fingerprint, gist(run)) for run in runs]
    table = Table("", ("run", "when", "kind", "windows", "fingerprint", "result"), tuple(rows))
    none = f"there are no runs of the kind {kind} yet" if kind else "there are no runs yet"
    env.console.result([_data(run) for run in runs], table.rich() if runs else none)


def show(context: typer.Context, run: Annotated[int, typer.Argument(help="Number of the run.")]) -> None:
    """Show one run with all its settings and metrics."""
    from ei_toolkit.evaluation.run_log import find_run, flatten

    env = Environment.of(context)
    found = find_run(env.config().paths, run)
    data = _data(found)
    env.console.result(data, _table({key: [value] for key, value in flatten(data)}, [found]))


def compare(
    context: typer.Context,
    runs: Annotated[list[int], typer.Argument(help="Numbers of two or more runs.")],
) -> None:
    """Show what differs between runs, then their metrics side by side."""
    from ei_toolkit.errors import UsageError
    from ei_toolkit.evaluation.run_log import differences, find_run, metrics

    if len(set(runs)) < 2:
        raise UsageError("one run cannot be compared", hint="Name two or more; eitk runs show tells about one.")
    env = Environment.of(context)
    found = [find_run(env.config().paths, number) for number in runs]
    differing, measured = differences(found), metrics(found)
    data = {"runs": runs, "differences": differing, "metrics": measured}
    env.console.result(data, _table(differing | measured, found))


def export(
    context: typer.Context,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; stdout without it.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind of run.")] = None,
) -> None:
    """Write all runs as CSV, or as JSON with --json."""
    import json

    from ei_toolkit.config.atomic_write import write_text
    from ei_toolkit.evaluation.run_log import list_runs, to_csv

    env = Environment.of(context)
    runs = list_runs(env.config().paths, kind)
    text = json.dumps([_data(run) for run in runs]) + "\n" if env.console.json_output else to_csv(runs)
    if output is None:
        env.console.line(text.rstrip("\n"))
    else:
        write_text(env.cwd / output, text)
        env.console.note(f"wrote {len(runs)} runs to {output}")


def seen(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="Kind of run: train, evaluation, build, flash, listen or gate.")],
) -> None:
    """Exit with 0 if such a run was made with the present settings, windows and code, else with 1."""
    from ei_toolkit.evaluation.run_log import find_same

    env = Environment.of(context)
    run = find_same(env.config(), kind)  # type: ignore[arg-type]
    env.console.result(
        {"seen": run is not None, "run": run and run.id},
        f"run {run.id} of {run.created}: same settings, windows and code" if run else f"no such {kind} yet",
    )
    if run is None:
        raise typer.Exit(1)


def _data(run: Run) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(run)


def _table(rows: Mapping[str, Sequence[Any]], runs: Sequence[Run]) -> RichTable:
    from ei_toolkit.report.tables import Table

    head = ("", *(f"run {run.id}" for run in runs))
    return Table("", head, tuple((key, *values) for key, values in rows.items())).rich()
