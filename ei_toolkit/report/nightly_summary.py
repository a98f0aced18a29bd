"""The summary of a nightly run in Markdown: verdict, challenger and champion, confusion matrix, last thirty runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ei_toolkit.evaluation.run_log import Run
from ei_toolkit.report.tables import Cell, Table, percent, row_shares, sparkline

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
    yield confusion(labels, figures["challenger"]["confusion"]).markdown()
    shares = [float(run.metrics["challenger"]["thresholded_accuracy"]) for run in gates[-RUNS_SHOWN:]]
    bars = sparkline(shares, 0.5, 1.0)
    yield f"Last {len(shares)} runs, thresholded accuracy, scale from 50 to 100 %: `{bars}`\n"


def trial_table(figures: Mapping[str, Any]) -> Table:
    """Return challenger and champion side by side, from the metrics of a run of the gate."""
    both = [figures["challenger"], figures.get("champion")]
    rows: list[tuple[Cell, ...]] = [
        ("thresholded accuracy of windows", *(percent(one["thresholded_accuracy"]) if one else None for one in both)),
        ("correct clips", *(percent(one["track_accuracy"]) if one else None for one in both)),
        ("RAM, kB", *(f"{one['cost']['ram_bytes'] / 1000:.1f}" if one else None for one in both)),
        ("flash, kB", *(f"{one['cost']['flash_bytes'] / 1000:.1f}" if one else None for one in both)),
        ("time per inference, ms", *(f"{one['cost']['latency_ms']:.1f}" if one else None for one in both)),
    ]
    return Table("", ("", "challenger", "champion"), tuple(rows))


def confusion(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> Table:
    """Return the confusion matrix of windows, each row in shares of the actual label."""
    rows = [(label, *map(percent, shares)) for label, shares in zip(labels, row_shares(counts), strict=True)]
    return Table("Confusion matrix of the held-out windows", ("actual \\ predicted", *labels), tuple(rows))
