"""The layout of a data set for a person and as JSON: labels and splits, rules, what is left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ei_toolkit.config.units import counted
from ei_toolkit.dataset.layout import Layout
from ei_toolkit.dataset.listing import LeftOut
from ei_toolkit.dataset.plan import Row
from ei_toolkit.report.tables import Table

REASONS_SHOWN = 5
NO_SPLITS = "chosen by eitk slice, whole groups at a time"
NO_GROUPS = "each clip is its own; a list of groups or GTZAN's index comes first"


def layout_text(layout: Layout, rows: Sequence[Row], *, is_estimate: bool = False) -> str:
    """Return the layout as lines of text: rules, one line for each label and split, what is left out, and notes."""
    return "\n".join(_lines(layout, rows, is_estimate=is_estimate))


def layout_data(layout: Layout, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the layout for --json."""
    return {
        "labels_from": asdict(layout.labels_from), "split_from": asdict(layout.split_from),
        "group_from": asdict(layout.group_from),
        "rows": [
            {"label": row.label, "split": row.split, "files": row.clips, "seconds": round(row.seconds, 3),
             "groups": row.groups}
            for row in rows
        ],
        "left_out": [asdict(one) for one in layout.left_out], "notes": list(layout.notes),
    }  # fmt: skip


def _lines(layout: Layout, rows: Sequence[Row], *, is_estimate: bool) -> Iterator[str]:
    yield f"labels: {layout.labels_from.words}"
    yield f"splits: {layout.split_from.words or NO_SPLITS}"
    yield f"groups: {layout.group_from.words or NO_GROUPS}"
    seconds = "seconds (estimate)" if is_estimate else "seconds"
    cells = tuple((row.label, row.split or "–", row.clips, f"{row.seconds:.1f}", row.groups) for row in rows)
    yield from _aligned(Table("", ("label", "split", "files", seconds, "groups"), cells))
    yield from _left_out(layout.left_out)
    yield from (f"note: {note}" for note in layout.notes)


def _left_out(left_out: Sequence[LeftOut]) -> Iterator[str]:
    counts = Counter(one.reason for one in left_out)
    for reason, number in counts.most_common(REASONS_SHOWN):
        first = next(one.name for one in left_out if one.reason == reason)
        yield f"ignored: {counted(number, 'file')}, {reason}: {first}{' …' if number > 1 else ''}"
    if len(counts) > REASONS_SHOWN:
        yield f"ignored: {sum(counts.values())} files in all; --json lists all of them"


def _aligned(table: Table) -> Iterator[str]:
    """Return the table as lines, numbers to the right."""
    lines = [table.head, *(tuple(map(str, row)) for row in table.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.head))]
    for line in lines:
        text = [cell.ljust(width) for cell, width in zip(line[:2], widths[:2], strict=True)]
        numbers = [cell.rjust(width) for cell, width in zip(line[2:], widths[2:], strict=True)]
        yield "  " + "  ".join([*text, *numbers])
