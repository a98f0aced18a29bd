"""Show a table on a terminal of any width without a line end inside a word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Column
from rich.table import Table as RichTable
from rich.text import Text

UNLIMITED = 10_000


class FittedTable:
    """A Rich table whose columns are never narrower than their longest word.

    Where these words do not fit side by side, each row becomes a list of names and values.
    """

    def __init__(self, table: RichTable) -> None:
        self.table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Show the title, then the columns or the lists, then the caption."""
        table = self.table
        needs = [_needed(console, options, column) for column in table.columns]
        widths = fitted_widths(needs, options.max_width - _frame_width(table))
        yield from _line(table.title)
        if widths is None:
            yield from _lists(console, table)
        else:
            for column, width in zip(table.columns, widths, strict=True):
                column.width, column.overflow = width, "fold"
            title, caption, table.title, table.caption = table.title, table.caption, None, None
            yield table
            table.title, table.caption = title, caption
        yield from _line(table.caption)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Take what the widest cells need, up to the width of the terminal."""
        needs = [_needed(console, options, column) for column in self.table.columns]
        widest = sum(need.maximum for need in needs) + _frame_width(self.table)
        return Measurement(1, min(widest, options.max_width))


def fitted_widths(needs: Sequence[Measurement], available: int) -> list[int] | None:
    """Return the width of each column: what it needs, or where that is too much, all wide columns the same width.

    No column is narrower than its longest word; None where these words do not fit side by side.
    """
    if sum(need.minimum for need in needs) > available:
        return None
    widths = [need.minimum for need in needs]
    while sum(widths) < available:
        growing = [i for i, need in enumerate(needs) if widths[i] < need.maximum]
        if not growing:
            break
        widths[min(growing, key=widths.__getitem__)] += 1
    return widths


def _needed(console: Console, options: ConsoleOptions, column: Column) -> Measurement:
    """Return the longest word and the longest line of a column; for one that is not wrapped, both are the latter."""
    unlimited = options.update(max_width=UNLIMITED)
    found = [Measurement.get(console, unlimited, cell) for cell in (column.header, *column.cells)]
    longest = max((one.maximum for one in found), default=0)
    return Measurement(longest if column.no_wrap else max((one.minimum for one in found), default=0), longest)


def _frame_width(table: RichTable) -> int:
    _, right, _, left = table.padding
    lines = len(table.columns) + 1 if table.box else 0
    return (right + left) * len(table.columns) + lines


def _line(text: RenderableType | None) -> Iterator[Text]:
    if text:
        yield text if isinstance(text, Text) else Text(str(text))


def _lists(console: Console, table: RichTable) -> Iterator[Text]:
    """Yield for each row its first cell, and below it a line for each other cell that is not empty."""
    heads = [_text(console, column.header) for column in table.columns] if table.show_header else []
    for row in zip(*(column.cells for column in table.columns), strict=True):
        first, *others = (_text(console, cell) for cell in row)
        if len(others) == 1 and not any(head.plain for head in heads):
            yield Text(": ").join([first, others[0]])
            continue
        yield Text(" ").join([heads[0], first]) if heads and heads[0] else first
        for number, cell in enumerate(others, start=1):
            if cell.plain.strip():
                yield Text("  ") + (Text(": ").join([heads[number], cell]) if heads and heads[number] else cell)


def _text(console: Console, cell: RenderableType) -> Text:
    if isinstance(cell, Text):
        return cell
    return console.render_str(cell) if isinstance(cell, str) else Text(str(cell))
