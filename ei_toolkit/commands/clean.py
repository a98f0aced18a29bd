"""`eitk clean`: take away what can be made again."""

from __future__ import annotations

from typing import Annotated

import typer

from ei_toolkit.commands.environment import Environment


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("clean")(clean)


def clean(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also the local studio's data and the runs.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove windows, builds that are not pinned and states of boards that do not run."""
    from ei_toolkit.report.cleaning import find_leftovers, remove
    from ei_toolkit.report.tables import Table

    env = Environment.of(context)
    paths = env.config().paths
    found = find_leftovers(paths, everything=everything)
    rows = [(str(x.path.relative_to(paths.root)), f"{x.bytes / 1e6:.1f}", x.again or "nothing") for x in found]
    question = "remove the local studio's data and the history of runs, which nothing makes again, as well?"
    if everything and found and not (yes or dry_run) and not env.console.confirm(question):
        env.console.note("nothing was removed")
        raise typer.Exit(1)
    freed = 0 if dry_run else remove(paths, found)
    data = {"removed": [] if dry_run else [row[0] for row in rows], "found": [row[0] for row in rows], "bytes": freed}
    env.console.result(
        data, Table("", ("would go" if dry_run else "removed", "MB", "made again by"), tuple(rows)).rich()
    )
