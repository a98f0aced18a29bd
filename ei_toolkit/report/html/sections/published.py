"""The published project's tables beside ours."""

from __future__ import annotations

from ei_toolkit.report.html.markup import Section, join, paragraph, table
from ei_toolkit.report.project_summary import ProjectSummary
from ei_toolkit.report.published import like_published, our_figures


def published(facts: ProjectSummary) -> Section:
    """Tables 1 to 4."""
    lead = paragraph(
        "The published project splits GTZAN at random by file, so most of its test files share an artist with training;"
        " its figures for the board are the vendor's estimates. A dash is a figure that has not been made here."
    )
    tables = [table(shown.head, shown.rows, caption=shown.title) for shown in like_published(our_figures(facts))]
    return Section("published", "Beside the published project", join([lead, *tables]))
