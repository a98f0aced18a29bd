"""The summary of a nightly run in Markdown: verdict, challenger and champion, confusion matrix, last thirty runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ei_toolkit.config.units import classification_time, kib
from ei_toolkit.evaluation.run_log import Run
from ei_toolkit.impulse.metrics import CLIP_ACCURACY, MAJORITY, TOP_1, thresholded_name
from ei_toolkit.report.confusion import ConfusionMatrix, labels_of_counts
from ei_toolkit.report.tables import Cell, Table, percent, sparkline

RUNS_SHOWN = 30


def nightly_summary(project: str, gates: Sequence[Run], labels: Sequence[str], *, new: bool) -> str:
    """Return Markdown for the job summary of GitHub Actions; `gates` are runs of the gate, oldest first.

    `new` is False where this run found the settings, windows and code of the last gate and so did nothing.
    """
    if not gates:
        return f"# {project}\n\nNo model has been tested by the gate yet.\n"
    return "\n".join(_parts(project, gates, labels, new))


def _parts(project: str, gates: Sequence[Run], labels: Sequence[str], new: bool) -> Iterator[str]:
    last = gates[-1]
    figures = last.metrics
    yield f"# {project}: {figures['verdict'] if new else 'nothing changed'}\n"
    if not new:
        yield f"Settings, windows and code are the same as in run {last.id} ({last.created}, {figures['verdict']}).\n"
    yield f"{figures['text']}\n"
    yield trial_table(figures).markdown()
    yield gate_confusion(figures, labels).markdown()
    shares = [float(run.metrics["challenger"]["thresholded_accuracy"]) for run in gates[-RUNS_SHOWN:]]
    bars = sparkline(shares, 0.5, 1.0)
    yield f"Last {len(shares)} runs, {thresholded_name(figures.get('threshold'))}, scale from 50 to 100 %: `{bars}`\n"


def trial_table(figures: Mapping[str, Any]) -> Table:
    """Return challenger and champion side by side, from the metrics of a run of the gate."""
    both = [figures["challenger"], figures.get("champion")]
    majority = percent(figures.get("majority"))
    rows: list[tuple[Cell, ...]] = [
        (thresholded_name(figures.get("threshold")), *(_share(one, "thresholded_accuracy") for one in both)),
        (TOP_1, *(_share(one, "top_1_accuracy") for one in both)),
        (CLIP_ACCURACY, *(_share(one, "track_accuracy") for one in both)),
        (MAJORITY, *(majority if one else None for one in both)),
        ("RAM", *(kib(one["cost"]["ram_bytes"]) if one else None for one in both)),
        ("flash", *(kib(one["cost"]["flash_bytes"]) if one else None for one in both)),
        ("time of a classification, estimated", *(_time(one["cost"]) if one else None for one in both)),
    ]
    return Table("", ("", "challenger", "champion"), tuple(rows))


def _share(trial: Mapping[str, Any] | None, name: str) -> str | None:
    return percent(trial.get(name)) if trial else None  # runs before 0.3 have no top-1 accuracy


def _time(cost: Mapping[str, Any]) -> str:
    return classification_time(cost.get("features_ms"), cost["latency_ms"])


def gate_confusion(figures: Mapping[str, Any], labels: Sequence[str]) -> ConfusionMatrix:
    """Return the confusion matrix of the challenger, from the metrics of a run of the gate.

    `labels` are those of the project now. Runs before 0.3 do not state the labels of their model.
    """
    counts = figures["challenger"]["confusion"]
    threshold = figures.get("threshold")
    at = f" at threshold {threshold:g}" if threshold is not None else ""
    own = labels_of_counts(counts, figures.get("labels"), labels)
    return ConfusionMatrix(f"Confusion matrix of the held-out windows{at}", own, counts)
