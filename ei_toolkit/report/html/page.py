"""The whole report as one file: no script, no network, readable in light and dark, on a phone and on a wide screen."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources

from ei_toolkit import __version__
from ei_toolkit.report.html.markup import Html, Section, join, text
from ei_toolkit.report.html.sections import SECTIONS
from ei_toolkit.report.project_summary import ProjectSummary

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:"  # nothing is ever fetched


def build_page(facts: ProjectSummary) -> str:
    """The report as HTML."""
    sections = [section for build in SECTIONS if (section := build(facts))]
    title = text(facts.config.settings.project.name)
    links = join(Html(f'<a href="#{section.anchor}">{text(section.title)}</a>') for section in sections)
    style = resources.files("ei_toolkit.report.html").joinpath("page.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<header><h1>{title}</h1><nav>{links}</nav></header>
<main>
{join(map(_section, sections))}
</main>
<footer>Made by eitk {__version__} on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.</footer>
</body>
</html>
"""


def _section(section: Section) -> Html:
    return Html(f'<section id="{section.anchor}"><h2>{text(section.title)}</h2>\n{section.body}\n</section>')
