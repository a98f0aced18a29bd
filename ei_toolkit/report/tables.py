"""A table that is defined once and shown on a terminal, in Markdown, in HTML and as JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Column
from rich.table import Table as RichTable
from rich.text import Text

from ei_toolkit.config import units
from ei_toolkit.config.untrusted_text import printable

Cell = str | int | float | None
LINE_ENDING = re.compile(r"\r\n?|\n")  # of Markdown


@dataclass(frozen=True)
class Table:
    """Title, column heads and rows. A float is shown with four significant digits, None as a dash."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def rich(self) -> RichTable:
        """Return the table for a terminal."""
        title = Text(printable(self.title)) if self.title else None
        head = (Column(Text(printable(name))) for name in self.head)
        shown = RichTable(*head, title=title, title_justify="left", box=None)
        for row in self.rows:
            shown.add_row(*(Text(printable(cell(value))) for value in row))
        return shown

    def markdown(self) -> str:
        """Return the table in GitHub's Markdown; the text of a cell is escaped."""
        lines = [_line(self.head), _line(["---"] * len(self.head)), *map(_line, self.rows)]
        return (f"**{_escape(self.title)}**\n\n" if self.title else "") + "\n".join(lines) + "\n"

    def data(self) -> list[dict[str, Cell]]:
        """Return one object per row, for --json."""
        return [dict(zip(self.head, row, strict=True)) for row in self.rows]


def cell(value: Cell) -> str:
    """Return one value as text."""
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def percent(fraction: float | None) -> str | None:
    """Return 0.934 as "93.4 %"; None, which a table shows as a dash, stays None."""
    return None if fraction is None else units.percent(fraction)


def row_shares(counts: Sequence[Sequence[int]]) -> list[list[float]]:
    """Return the counts of a confusion matrix as shares of their row; 0 in a row without any."""
    return [[count / (sum(row) or 1) for count in row] for row in counts]


def _line(cells: tuple[Cell, ...] | list[str]) -> str:
    return "| " + " | ".join(_escape(cell(value)) for value in cells) + " |"


def _escape(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
    return LINE_ENDING.sub(" ", escaped)


BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], low: float = 0.0, high: float = 1.0) -> str:
    """Return one bar per value; values outside `low` to `high` are drawn at the limit."""
    span = (high - low) or 1.0
    places = (round((min(max(value, low), high) - low) / span * (len(BARS) - 1)) for value in values)
    return "".join(BARS[place] for place in places)
