"""Learning curves of the last training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ei_toolkit.report.html.charts import line_chart
from ei_toolkit.report.html.markup import Html, Section, figure, grid, join, paragraph
from ei_toolkit.report.project_summary import ProjectSummary

CURVES = {
    "Accuracy": (("accuracy", "training"), ("val_accuracy", "validation")),
    "Loss": (("loss", "training"), ("val_loss", "validation")),
}


def training(facts: ProjectSummary) -> Section | None:
    """Accuracy and loss by epoch, for training and validation windows."""
    history: Mapping[str, Sequence[float]] = facts.latest("train").get("history", {})
    charts = [
        _chart(title, history, lines) for title, lines in CURVES.items() if any(key in history for key, _ in lines)
    ]
    if not charts:
        return None
    own = facts.config.settings.training
    how = (
        f"{own.epochs} epochs in batches of {own.batch_size}, learning rate {own.learning_rate:g},"
        f" {own.validation * 100:g} % of the training windows kept for validation."
    )
    return Section("training", "Training", join([paragraph(how), grid(charts)]))


def _chart(title: str, history: Mapping[str, Sequence[float]], lines: Sequence[tuple[str, str]]) -> Html:
    series = {name: history[key] for key, name in lines if history.get(key)}
    span = (0.0, max(1.0 if title == "Accuracy" else 0.0, *(max(line) for line in series.values())))
    return figure(line_chart(series, "epoch", y_range=span), f"{title} by epoch")
