"""`eitk gate`: Compare the last built model with the champion; promote it if it passes."""

from __future__ import annotations

from typing import Annotated

import typer

from ei_toolkit.cli.environment import Environment
from ei_toolkit.errors import GateNotMet
from ei_toolkit.evaluation.candidate import pin_champion
from ei_toolkit.evaluation.challenge import challenge
from ei_toolkit.evaluation.run_log import record_run


def gate(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compare, but promote nothing and record nothing.")
    ] = False,
) -> None:
    """Compare the last built model with the champion; promote it if it passes.

    Both models are compared on held-out clips. Exit code 7 if the candidate does not pass; the reasons are printed, and
    eitk.lock names the champion again if its build is still there.
    """
    env = Environment.of(context)
    config = env.config()
    with env.console.progress("conditions") as progress:
        verdict, figures = challenge(config, progress.to, dry_run=dry_run)
    if not dry_run:
        record_run(config, "gate", figures)
    env.console.result(figures, verdict.text)
    if not verdict.passed:
        hint = "eitk runs compare shows what has changed."
        if not dry_run and pin_champion(config.paths):
            hint += " eitk.lock names the champion again; eitk build pins the trained model."
        raise GateNotMet("the champion stays", why="; ".join(verdict.reasons), hint=hint)
