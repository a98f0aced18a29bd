"""`eitk gate`: Compare the last built model with the champion; promote it if it passes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ei_toolkit.api.judging import gate as judge
from ei_toolkit.api.project import Project
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.errors import GateNotMet
from ei_toolkit.report.gate_reports import github_annotations, junit_xml


def gate(
    context: typer.Context,
    junit: Annotated[
        Path | None, typer.Option(help="File to which the requirements are written as JUnit test cases.")
    ] = None,
    github: Annotated[
        bool | None,
        typer.Option(
            "--github/--no-github",
            help="Print annotations of GitHub Actions on stderr; default: if GITHUB_ACTIONS is set.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compare, but promote nothing and record nothing.")
    ] = False,
) -> None:
    """Compare the last built model with the champion; promote it if it passes.

    Both models are compared on held-out clips. Exit code 7 if the candidate does not pass; the reasons are printed, and
    eitk.lock names the champion again if its build is still there. A promoted model replaces the champion, which is
    kept: eitk champion rollback restores it.
    """
    env = Environment.of(context)
    config = env.config()
    junit_file = check_output(env.cwd / junit) if junit else None
    with env.console.progress("conditions") as progress:
        verdict = judge(
            Project(config, env.environ), dry_run=dry_run, on_progress=lambda now: progress.to(now.done, now.text)
        )
    figures = verdict.figures
    env.console.result(figures, verdict.text)
    if junit_file:
        write_bytes(junit_file, junit_xml(figures))
    if os.environ.get("GITHUB_ACTIONS") == "true" if github is None else github:
        _annotate(env, figures)
    if not verdict.passed:
        hint = "eitk runs compare shows what has changed."
        if verdict.champion_is_pinned:
            hint += " eitk.lock names the champion again; eitk build pins the trained model."
        raise GateNotMet("the champion stays", why="; ".join(verdict.reasons), hint=hint)


def _annotate(env: Environment, figures: Mapping[str, Any]) -> None:
    """Write annotations to stderr, where the runner reads them as well as on stdout, which is the result's."""
    for line in github_annotations(figures):
        env.console.stderr.write(line + "\n")
