"""The whole report as one file: no script, no network, readable in light and dark, on a phone and on a wide screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ei_toolkit import __version__
from ei_toolkit.audio.fingerprint import Match
from ei_toolkit.config.palette import PALETTE
from ei_toolkit.config.units import kib
from ei_toolkit.evaluation.exploration import Exploration
from ei_toolkit.evaluation.run_log import Run
from ei_toolkit.report.compression_tables import compression_notes, compression_table, published_table
from ei_toolkit.report.html.exploration import exploration_sections
from ei_toolkit.report.html.sections import SECTIONS, CompressionSection, Section, comparison
from ei_toolkit.report.project_summary import ProjectSummary
from ei_toolkit.report.tables import Table, cell, percent

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:"  # no network request


def build_page(summary: ProjectSummary) -> str:
    """Return the report as HTML."""
    sections = [section for build in SECTIONS if (section := build(summary))]
    return _page(summary.config.settings.project.name, sections)


def build_comparison_page(project: str, runs: Sequence[Run]) -> str:
    """Return the comparison of runs as HTML."""
    return _page(project, [comparison(runs)])


def build_exploration_page(project: str, found: Exploration, repeated: Sequence[Match]) -> str:
    """Return the exploration of a table of features as HTML; `repeated` are recordings found by their fingerprints."""
    return _page(project, exploration_sections(found, repeated))


def build_compression_page(project: str, data: Mapping[str, Any]) -> str:
    """Return the result of `eitk compress` as HTML, from its plain data."""
    section = CompressionSection(compression_table(data), compression_notes(data), published_table())
    return _page(project, [section])


def _page(title: str, sections: Sequence[Section]) -> str:
    return _environment().get_template("page.html.j2").render(
        title=title,
        sections=sections,
        palette=PALETTE,
        policy=POLICY,
        version=__version__,
        created=f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
    )  # fmt: skip


def _environment() -> Environment:
    """Return the templates' environment: every value is escaped, and a missing name is an error."""
    environment = Environment(
        loader=PackageLoader("ei_toolkit.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"cell": cell, "percent": percent, "kib": kib, "number_columns": number_columns}
    return environment


def number_columns(table: Table) -> list[bool]:
    """Return for each column whether it contains numbers, which are aligned to the right."""
    return [any(_is_number(row[i]) for row in table.rows) for i in range(len(table.head))]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, str) and value[:1].isdigit())
