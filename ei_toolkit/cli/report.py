"""`eitk report`: Write an HTML report of the project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Group

from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.config.atomic_write import write_bytes, write_text
from ei_toolkit.report.html.page import build_page
from ei_toolkit.report.project_figures import figure_files
from ei_toolkit.report.project_summary import ProjectSummary, gather_summary
from ei_toolkit.report.published import like_published, own_results


def report(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("report.html"),
    figures: Annotated[Path | None, typer.Option(help="Folder to which the figures are written as PNG files.")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
    like: Annotated[
        Literal["reference"] | None,
        typer.Option(help="Print tables instead: reference prints the tables 1 to 4 of the published project."),
    ] = None,
) -> None:
    """Write an HTML report of the project.

    One file with the data, curves, confusion matrices, gate verdict, robustness, size, speed and provenance.
    """
    env = Environment.of(context)
    summary = gather_summary(env.config())
    if like is not None:
        _print_tables(env, summary)
        return
    file = check_output(env.cwd / output)
    env.console.note(f"drawing the figures of the report, {file.name}")
    write_text(file, build_page(summary))
    written = _write_figures(summary, env.cwd / figures) if figures else []
    data = {"report": str(file), "bytes": file.stat().st_size, "figures": written}
    env.console.result(data, f"wrote {file}" + (f" and {len(written)} figures to {figures}" if figures else ""))
    if open_:
        typer.launch(file.as_uri())


def _write_figures(summary: ProjectSummary, folder: Path) -> list[str]:
    made = figure_files(summary)
    for name, png in made.items():
        write_bytes(folder / name, png)
    return list(made)


def _print_tables(env: Environment, summary: ProjectSummary) -> None:
    tables = like_published(own_results(summary))
    env.console.result({table.title: table.data() for table in tables}, Group(*(table.rich() for table in tables)))
