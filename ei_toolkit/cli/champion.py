"""`eitk champion`: The champion of the gate and earlier ones: list, rollback."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ei_toolkit.cli import complete
from ei_toolkit.cli.environment import Environment
from ei_toolkit.config.units import local_time, percent
from ei_toolkit.evaluation.champions import Rollback, list_champions, roll_back
from ei_toolkit.impulse.metrics import thresholded_name
from ei_toolkit.report.tables import Table

group = typer.Typer(no_args_is_help=True, help="The champion of the gate and earlier ones: list, rollback.")


@group.command("list")
def list_(context: typer.Context) -> None:
    """List all champions, newest last."""
    env = Environment.of(context)
    found = list_champions(env.config().paths)
    rows = tuple(
        (
            one.name, local_time(one.promoted), None if one.accuracy is None else percent(one.accuracy),
            "champion" if one.is_champion else "earlier",
        )
        for one in found
    )  # fmt: skip
    head = ("name", "promoted", thresholded_name(None), "state")
    table = Table("", head, rows)
    env.console.result([asdict(one) for one in found], table.rich() if found else "there is no champion yet")


@group.command()
def rollback(
    context: typer.Context,
    to: Annotated[
        str | None,
        typer.Option(
            help="Name of the champion to restore; default: the one that the present champion has replaced.",
            autocompletion=complete.champions,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show which champion would be restored.")] = False,
) -> None:
    """Restore an earlier champion; the present one stays in the list.

    eitk.lock names the build of the restored champion again, if that build is still there. Interrupted, the same
    command continues.
    """
    env = Environment.of(context)
    done = roll_back(env.config().paths, to, dry_run=dry_run)
    env.console.result(asdict(done) | {"dry_run": dry_run}, _sentence(done, dry_run=dry_run))
    if not done.is_pinned:
        env.console.warn(
            f"the build of {done.restored.name} is not there, so eitk.lock is not changed; the next gate still compares"
            " with this champion"
        )


def _sentence(done: Rollback, *, dry_run: bool) -> str:
    verb = "would be" if dry_run else "is"
    return f"{done.restored.name} {verb} the champion again, instead of {done.given_up.name}"
