"""Small line plots for a terminal, drawn with braille characters, which have 2 × 4 dots each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from ei_toolkit.config.palette import PALETTE

BRAILLE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # [row][column] of a character
LINES = (("blue", 1, "━━"), ("orange", 2, "┅┅"), ("green", 3, "┄┄"), ("purple", 4, "┈┈"))
"""Colour, every which dot is drawn, and the sign in the legend."""
WIDTH, HEIGHT = 40, 8  # of a plot, in characters
PLOT_COLUMNS = 104  # of a terminal that has room for two plots
SCALE_WIDTH = 7


def training_plot(history: Mapping[str, Sequence[float]]) -> Table:
    """Return accuracy and loss by epoch side by side; `history` has the names of Keras."""
    found = []
    for measure in ("accuracy", "loss"):
        series = {"training": history.get(measure, ()), "validation": history.get(f"val_{measure}", ())}
        found.append((measure, {name: values for name, values in series.items() if values}))
    return plots_side_by_side(found)


def plots_side_by_side(plots: Sequence[tuple[str, Mapping[str, Sequence[float]]]]) -> Table:
    """Return plots, each of a title and its series, beside each other."""
    view = Table.grid(padding=(0, 2))
    view.add_row(*(line_plot(title, series) for title, series in plots))
    return view


def line_plot(title: str, series: Mapping[str, Sequence[float]], width: int = WIDTH, height: int = HEIGHT) -> Text:
    """Return the series as lines in one plot, with the limits of the scale and the last value of each series."""
    values = [value for own in series.values() for value in own]
    low, high = min(values, default=0.0), max(values, default=1.0)
    span = (high - low) or 1.0
    owner = [[-1] * (2 * width) for _ in range(4 * height)]
    for number, own in enumerate(series.values()):
        before = None
        for column, level in _points(own, 2 * width):
            row = round((1 - (level - low) / span) * (4 * height - 1))
            is_solid = _line(number)[1] == 1
            for drawn in _between(before, row) if is_solid else [row]:
                if column % _line(number)[1] == 0:
                    owner[drawn][column] = number
            before = row
    shown = Text(f"{title}, epochs 1 to {max(map(len, series.values()), default=0)}\n")
    for line in range(height):
        scale = high if line == 0 else low if line == height - 1 else None
        shown.append(f"{'' if scale is None else f'{scale:.3g}':>{SCALE_WIDTH}} ")
        for place in range(width):
            shown.append(*_character(owner, line, place))
        shown.append("\n")
    for number, (name, own) in enumerate(series.items()):
        shown.append("  " if number else " " * (SCALE_WIDTH + 1))
        shown.append(_line(number)[2], style=PALETTE[_line(number)[0]][1])
        shown.append(f" {name} {own[-1]:.3f}")
    return shown


def _line(number: int) -> tuple[str, int, str]:
    return LINES[number % len(LINES)]


def _between(before: int | None, row: int) -> range:
    """Return the rows from the one after `before` to `row`, so that a steep line has no gaps."""
    if before is None or before == row:
        return range(row, row + 1)
    return range(before + 1, row + 1) if before < row else range(row, before)


def _points(values: Sequence[float], columns: int) -> list[tuple[int, float]]:
    """Return (column, value) for each column: between two values on a straight line."""
    if len(values) == 1:
        return [(0, values[0]), (1, values[0])]
    step = (len(values) - 1) / (columns - 1)
    points = []
    for column in range(columns):
        place = min(int(column * step), len(values) - 2)
        share = column * step - place
        points.append((column, values[place] * (1 - share) + values[place + 1] * share))
    return points


def _character(owner: Sequence[Sequence[int]], line: int, place: int) -> tuple[str, str]:
    """Return the braille character of a place and its colour, that of the series with the lowest number in it."""
    code, found = BRAILLE, []
    for row in range(4):
        for column in range(2):
            number = owner[4 * line + row][2 * place + column]
            if number >= 0:
                code |= DOTS[row][column]
                found.append(number)
    return (chr(code), PALETTE[_line(min(found))[0]][1]) if found else (" ", "")
