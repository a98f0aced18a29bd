"""A table, once, for the terminal, for Markdown and for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table as RichTable


Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Title, column heads, rows. A float is shown with four significant digits, None as a dash."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def rich(self) -> RichTable:
        """For a terminal."""
        from rich.table import Column
        from rich.table import Table as RichTable
        from rich.text import Text

        title = Text(self.title) if self.title else None
        head = (Column(Text(name)) for name in self.head)
        shown = RichTable(*head, title=title, title_justify="left", box=None)
        for row in self.rows:
            shown.add_row(*(Text(cell(value)) for value in row))
        return shown

    def markdown(self) -> str:
        """GitHub's tables; what stands in a cell cannot break out of it."""
        lines = [_line(self.head), _line(["---"] * len(self.head)), *map(_line, self.rows)]
        return (f"**{_plain(self.title)}**\n\n" if self.title else "") + "\n".join(lines) + "\n"

    def data(self) -> list[dict[str, Cell]]:
        """For --json: one object a row."""
        return [dict(zip(self.head, row, strict=True)) for row in self.rows]


def cell(value: Cell) -> str:
    """One value as text."""
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def percent(fraction: float | None) -> str:
    """Return 0.934 as "93.4 %", None as a dash."""
    return "–" if fraction is None else f"{fraction * 100:.1f} %"


def _line(cells: tuple[Cell, ...] | list[str]) -> str:
    return "| " + " | ".join(_plain(cell(value)) for value in cells) + " |"


def _plain(words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
    return escaped.replace("`", "'")


BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], low: float = 0.0, high: float = 1.0) -> str:
    """One bar a value; what lies outside `low` to `high` is drawn at the edge."""
    span = (high - low) or 1.0
    places = (round((min(max(value, low), high) - low) / span * (len(BARS) - 1)) for value in values)
    return "".join(BARS[place] for place in places)
