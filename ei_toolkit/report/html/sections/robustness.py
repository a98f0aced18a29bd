"""What holds up: the last evaluation, clean and under every condition, with the trivial baselines beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ei_toolkit.report.figure_files import accuracy_by_gain, reliability
from ei_toolkit.report.html.charts import bar_chart
from ei_toolkit.report.html.markup import Html, Section, figure, grid, join, paragraph, percent, table
from ei_toolkit.report.html.media import image
from ei_toolkit.report.project_summary import ProjectSummary


def robustness(facts: ProjectSummary) -> Section | None:
    """Accuracy by condition as a chart and a table."""
    evaluation = facts.evaluation
    clean: Mapping[str, Any] = evaluation.get("clean", {})
    if not clean:
        return None
    conditions: Mapping[str, Mapping[str, float]] = {"clean": clean, **evaluation.get("conditions", {})}
    rows = [
        (name, percent(row.get("window_accuracy")), percent(row.get("track_accuracy")))
        for name, row in conditions.items()
    ]
    shares = {name: float(row["window_accuracy"]) * 100 for name, row in conditions.items()}
    parts = [
        paragraph(_lead(evaluation)),
        grid([figure(bar_chart(shares, high=100, unit=" %"), "Windows right, by condition"), *_plots(facts)]),
        table(("condition", "windows", "clips"), rows),
    ]
    if baselines := evaluation.get("baselines"):
        parts.append(table(("trivial baseline", "windows right"), [(k, percent(v)) for k, v in _flat(baselines)]))
    return Section("robustness", "Robustness", join(parts))


def _plots(facts: ProjectSummary) -> list[Html]:
    pngs = {
        "Accuracy against the microphone's gain": accuracy_by_gain(facts),
        "How often it is right against how sure it is, by clip": reliability(facts),
    }
    return [figure(image(png, title), title) for title, png in pngs.items() if png is not None]


def _lead(evaluation: Mapping[str, Any]) -> str:
    interval = evaluation["clean"].get("interval")
    words = f"Protocol {evaluation.get('protocol', 'test')}."
    if interval:
        words += f" 95 % interval of the clean figure by artist: {percent(interval[0])} to {percent(interval[1])}."
    return words


def _flat(baselines: Mapping[str, Any]) -> list[tuple[str, float]]:
    """A baseline is a fraction, or a table with one for windows."""
    return [(k, float(v["window_accuracy"] if isinstance(v, Mapping) else v)) for k, v in baselines.items()]
