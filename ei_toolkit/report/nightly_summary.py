"""The night in Markdown: verdict, challenger beside champion, confusion matrix, and the last thirty nights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ei_toolkit.evaluation.run_log import Run
from ei_toolkit.report.tables import Cell, Table, percent, sparkline

NIGHTS = 30


def nightly_summary(project: str, gates: Sequence[Run], labels: Sequence[str], *, new: bool) -> str:
    """Markdown for the summary of a continuous-integration run; `gates` oldest first, the last one is this night's.

    `new` is False where the night found the same settings, windows and code as that run, and did nothing.
    """
    if not gates:
        return f"# {project}\n\nNothing was brought before the gate.\n"
    return "\n".join(_parts(project, gates, labels, new))


def _parts(project: str, gates: Sequence[Run], labels: Sequence[str], new: bool) -> Iterator[str]:
    last = gates[-1]
    figures = last.metrics
    yield f"# {project}: {figures['verdict'] if new else 'nothing new'}\n"
    if not new:
        yield f"Settings, windows and code are those of run {last.id} ({last.created}, {figures['verdict']}).\n"
    yield f"{figures['text']}\n"
    yield trial_table(figures).markdown()
    yield confusion(labels, figures["challenger"]["confusion"]).markdown()
    shares = [float(run.metrics["challenger"]["thresholded_accuracy"]) for run in gates[-NIGHTS:]]
    yield f"Last {len(shares)} runs, windows right from 50 to 100 %: `{sparkline(shares, 0.5, 1.0)}`\n"


def trial_table(figures: Mapping[str, Any]) -> Table:
    """Challenger and champion side by side, from the metrics of a run of the gate."""
    both = [figures["challenger"], figures.get("champion")]
    rows: list[tuple[Cell, ...]] = [
        ("thresholded accuracy of windows", *(percent(one["thresholded_accuracy"]) if one else None for one in both)),
        ("clips right", *(percent(one["track_accuracy"]) if one else None for one in both)),
        ("RAM, kB", *(f"{one['cost']['ram_bytes'] / 1000:.1f}" if one else None for one in both)),
        ("flash, kB", *(f"{one['cost']['flash_bytes'] / 1000:.1f}" if one else None for one in both)),
        ("decision, ms", *(f"{one['cost']['latency_ms']:.1f}" if one else None for one in both)),
    ]
    return Table("", ("", "challenger", "champion"), tuple(rows))


def confusion(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> Table:
    """Windows by label and by what won, in shares of the row."""
    rows = [
        (label, *(percent(count / (sum(row) or 1)) for count in row)) for label, row in zip(labels, counts, strict=True)
    ]
    return Table("Windows by label and by what won", ("", *labels), tuple(rows))
