"""Confusion matrices: actual rows and predicted columns, the same in the terminal, in Markdown and in the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from ei_toolkit.config.settings import UNCERTAIN
from ei_toolkit.report.tables import Table, percent, row_shares

CORNER = "actual \\ predicted"
HEAD_LENGTH = 4  # characters of an abbreviated label, as wide as most counts
LABEL_LENGTH = 14  # characters of a label in a table with abbreviated heads
UNLIMITED = 10_000


@dataclass(frozen=True)
class ConfusionMatrix:
    """Windows by actual and predicted label: `counts[i][j]` have the actual label `labels[i]`.

    The columns are the labels in the same order. A further column counts uncertain windows, where a threshold applies.
    """

    title: str
    labels: Sequence[str]
    counts: Sequence[Sequence[int]]

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        has_threshold = any(len(row) > len(self.labels) for row in self.counts)
        return (*self.labels, UNCERTAIN) if has_threshold else tuple(self.labels)

    @property
    def shares(self) -> list[list[float]]:
        """Return the counts as shares of their row; 0 in a row without windows."""
        return row_shares(self.counts)

    def table(self) -> Table:
        """Return the matrix with full names, counts and shares of the row."""
        rows = tuple((label, *map(_cell, counts, shares)) for label, counts, shares in self._rows())
        return Table(self.title, (CORNER, *self.columns), rows)

    def rich(self) -> ConfusionMatrix:
        """Return the matrix itself, which adapts to the width of the terminal."""
        return self

    def markdown(self) -> str:
        """Return the matrix in GitHub's Markdown, in shares of the row."""
        rows = tuple((label, *map(percent, shares)) for label, _, shares in self._rows())
        return Table(self.title, (CORNER, *self.columns), rows).markdown()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Show the widest form that fits: full names, abbreviated names, or one line for each label."""
        unlimited = options.update(max_width=UNLIMITED)
        for table in (self.table().rich(), self._abbreviated()):
            if console.measure(table, options=unlimited).maximum <= options.max_width:
                yield table
                return
        yield from self._list()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Take all of the width: the matrix is adapted to it."""
        return Measurement(1, options.max_width)

    def _rows(self) -> list[tuple[str, Sequence[int], Sequence[float]]]:
        return list(zip(self.labels, self.counts, self.shares, strict=True))

    def _abbreviated(self) -> RichTable:
        """Return the counts with short heads, in the order of the rows, and the recall."""
        title = Text(self.title) if self.title else None
        table = RichTable(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column(Text("actual \\ pred."), no_wrap=True, max_width=LABEL_LENGTH)
        for name in abbreviations(self.columns):
            table.add_column(Text(name), justify="right", no_wrap=True)
        table.add_column("recall", justify="right", no_wrap=True)
        for number, (label, counts, shares) in enumerate(self._rows()):
            table.add_row(Text(_shortened(label)), *map(str, counts), percent(shares[number]))
        return table

    def _list(self) -> list[Text]:
        """Return one paragraph for each actual label, for a narrow terminal."""
        lines = [Text(self.title)] if self.title else []
        for number, (label, counts, shares) in enumerate(self._rows()):
            own = f"{label}: {counts[number]} of {sum(counts)} correct ({percent(shares[number])})"
            wrong = sorted(
                ((count, name) for place, (count, name) in enumerate(zip(counts, self.columns, strict=True))
                 if place != number and count), reverse=True,
            )  # fmt: skip
            others = ", ".join(f"{name} {count}" for count, name in wrong)
            lines.append(Text(own + (f"; predicted as {others}" if others else "")))
        return lines


def labels_of_counts(counts: Sequence[Sequence[int]], *known: Sequence[str] | None) -> tuple[str, ...]:
    """Return the first list of labels that has one for each row of the counts, else the numbers of the outputs.

    A project may have got or lost labels since the counts were recorded.
    """
    fitting = (tuple(labels) for labels in known if labels and len(labels) == len(counts))
    return next(fitting, tuple(f"output {number}" for number in range(1, len(counts) + 1)))


def abbreviations(names: Sequence[str]) -> list[str]:
    """Return the first characters of each name; names that begin alike get a number as their last characters."""
    short = [name[:HEAD_LENGTH] for name in names]
    found = []
    for place, name in enumerate(short):
        if short.count(name) > 1 and name != names[place]:
            number = str(short[: place + 1].count(name))
            found.append(name[: HEAD_LENGTH - len(number)] + number)
        else:
            found.append(name)
    return found


def _shortened(label: str) -> str:
    return label if len(label) <= LABEL_LENGTH else f"{label[: LABEL_LENGTH - 1]}…"


def _cell(count: int, share: float) -> str:
    return f"{count} ({percent(share)})" if count else "0"
