"""Counts by label and side, for tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ei_toolkit.dataset.manifest import Window
from ei_toolkit.dataset.plan import Plan


@dataclass(frozen=True)
class Row:
    """One label on one side. `windows` is 0 where nothing has been cut; `altered` counts augmented ones in it."""

    label: str
    split: str
    windows: int
    altered: int
    clips: int
    artists: int


def rows_of_windows(windows: Sequence[Window]) -> list[Row]:
    """Rows for windows that have been cut."""
    return [
        Row(label, split, len(chosen), sum(bool(w.recipe) for w in chosen),
            len({w.clip for w in chosen}), len({w.group for w in chosen}))
        for label, split in _cells((w.label, w.split) for w in windows)
        if (chosen := [w for w in windows if (w.label, w.split) == (label, split)])
    ]  # fmt: skip


def rows_of_plan(plan: Plan) -> list[Row]:
    """Rows for a plan."""
    cells = _cells((task.known.clip.label, task.side) for task in plan.tasks)
    chosen = {cell: [t.known for t in plan.tasks if (t.known.clip.label, t.side) == cell] for cell in cells}
    return [Row(*cell, 0, 0, len(known), len({k.group for k in known})) for cell, known in chosen.items()]


def _cells(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(set(pairs), key=lambda pair: (pair[0], pair[1] != "training"))
