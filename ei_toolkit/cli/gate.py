"""`eitk gate`: may the model that was built last take the champion's place?"""

from __future__ import annotations

from typing import Annotated

import typer

from ei_toolkit.cli.environment import Environment


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("gate")(gate)


def gate(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge, but promote nothing and record nothing.")] = False,
) -> None:
    """Try the last built model against champion.json on held-out clips; promote it, or exit with 7 and say why."""
    from ei_toolkit.errors import GateNotMet
    from ei_toolkit.evaluation.challenge import challenge
    from ei_toolkit.evaluation.run_log import record_run

    env = Environment.of(context)
    config = env.config()
    with env.console.progress("conditions") as progress:
        verdict, figures = challenge(config, progress.to, dry_run=dry_run)
    if not dry_run:
        record_run(config, "gate", figures)
    env.console.result(figures, verdict.text)
    if not verdict.passed:
        raise GateNotMet(
            "the champion stays", why="; ".join(verdict.reasons), hint="eitk runs compare shows what has changed."
        )
