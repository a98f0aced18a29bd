"""What the gate said last."""

from __future__ import annotations

from ei_toolkit.report.html.charts import confusion_table
from ei_toolkit.report.html.markup import Html, Section, heading, join, table, text
from ei_toolkit.report.nightly_summary import trial_table
from ei_toolkit.report.project_summary import ProjectSummary


def verdict(facts: ProjectSummary) -> Section | None:
    """The last verdict with champion and challenger side by side."""
    figures = facts.latest("gate")
    if not figures:
        return None
    shown = trial_table(figures)
    said = Html(f'<p class="verdict {text(figures["verdict"])}">{text(figures["text"])}</p>')
    matrix = [
        heading("What held-out windows are heard as"),
        confusion_table(facts.labels, figures["challenger"]["confusion"]),
    ]
    return Section("verdict", "Verdict", join([said, table(shown.head, shown.rows), *matrix]))
