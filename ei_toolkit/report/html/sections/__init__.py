"""The parts of the page, in the order in which they stand. Each gives a Section, or None where nothing is known yet."""

from __future__ import annotations

from collections.abc import Callable

from ei_toolkit.report.html.markup import Section
from ei_toolkit.report.html.sections.cost import cost
from ei_toolkit.report.html.sections.data import data
from ei_toolkit.report.html.sections.listen import listen
from ei_toolkit.report.html.sections.provenance import provenance
from ei_toolkit.report.html.sections.published import published
from ei_toolkit.report.html.sections.robustness import robustness
from ei_toolkit.report.html.sections.training import training
from ei_toolkit.report.html.sections.verdict import verdict
from ei_toolkit.report.project_summary import ProjectSummary

SECTIONS: tuple[Callable[[ProjectSummary], Section | None], ...] = (
    verdict, data, listen, training, robustness, published, cost, provenance,
)  # fmt: skip
