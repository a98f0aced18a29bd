"""`eitk doctor`: is everything there that the commands need?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ei_toolkit.commands.environment import Environment


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("doctor")(doctor)


def doctor(
    context: typer.Context,
    studio: Annotated[bool, typer.Option(help="Look at the studio and the key as well.")] = True,
) -> None:
    """Look at folder, key, studio, limits, clock, packages, tools and boards; exit code 1 if something has failed."""
    from ei_toolkit.commands.connect import connect
    from ei_toolkit.report import health

    env = Environment.of(context)
    findings = list(health.folder_findings(env.cwd))
    findings += health.studio_findings(lambda: connect(env, env.config())) if studio else ()
    findings += [*health.package_findings(), *health.tool_findings(env.environ)]
    env.console.result([asdict(finding) for finding in findings], health.findings_table(findings).rich())
    if any(finding.verdict == "failure" for finding in findings):
        raise typer.Exit(1)
