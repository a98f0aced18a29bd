"""`eitk upload`: Upload windows to the studio."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.cli.connection import connect
from ei_toolkit.cli.environment import Environment
from ei_toolkit.client.upload.ledger import Ledger, ledger_path
from ei_toolkit.client.upload.plan import Difference, annotate, difference, removable, remove_misplaced, visible_samples
from ei_toolkit.client.upload.run import Options, Report, check_complete, write_failures
from ei_toolkit.client.upload.run import upload as run_upload
from ei_toolkit.dataset.manifest import Manifest

SHOWN = 10  # failures named without --verbose


def upload(
    context: typer.Context,
    manifest: Annotated[Path | None, typer.Argument(help="Manifest of windows; default: the project's.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Number of concurrent requests.")] = 4,
    batch: Annotated[int, typer.Option(min=1, max=1000, help="Largest number of files in one request.")] = 256,
    failures: Annotated[Path | None, typer.Option(help="Also write the windows that failed to this CSV.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report what would be sent.")] = False,
) -> None:
    """Upload windows to the studio.

    An upload that was interrupted resumes, and no window is sent twice.
    """
    env = Environment.of(context)
    config = env.config()
    file = env.cwd / manifest if manifest else config.paths.manifest
    windows = Manifest.read(file)
    studio = connect(env, config)
    there = visible_samples(studio)
    plan, misplaced = difference(windows, there or []), removable(windows, there or [])
    if dry_run:
        _show_plan(env, plan, len(misplaced))
        return
    with (
        Ledger(ledger_path(file, studio.transport.endpoint.name, studio.project)) as ledger,
        env.console.progress("uploading windows", len(windows.windows)) as progress,
    ):
        report = run_upload(studio, plan, file.parent, ledger, Options(concurrency, batch), progress.to)
        if there is not None:
            annotate(studio, windows, ledger)
        if misplaced:  # compared again, because the upload may have moved some of them
            report.removed = remove_misplaced(studio, windows)
    _show(env, report, plan, env.cwd / failures if failures else None)


def _show_plan(env: Environment, plan: Difference, misplaced: int) -> None:
    data = {
        "dry_run": True,
        "would_send": len(plan.missing),
        "would_move": len(plan.moved),
        "present": len(plan.present),
        "would_remove": misplaced,
        "foreign": len(plan.foreign) - misplaced,
    }
    env.console.result(data, "\n".join(f"{name:<12}{value}" for name, value in data.items() if name != "dry_run"))


def _show(env: Environment, report: Report, plan: Difference, failures: Path | None) -> None:
    if foreign := max(len(plan.foreign) - report.removed, 0):
        env.console.warn(
            f"{foreign} samples in the studio are not in the manifest and would be trained on; see eitk samples diff"
        )
    shown = report.failures if env.console.verbose else report.failures[:SHOWN]
    for failure in shown:
        env.console.warn(f"not uploaded: {failure.file}: {failure.reason}")
    if failures is not None:
        write_failures(failures, report.failures)
    env.console.result(report.data(), report.sentence())
    check_complete(report)
