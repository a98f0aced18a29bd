"""Charts as inline SVG that take their colours from the page, so that they are right in the dark as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ei_toolkit.report.html.markup import Html, text

WIDTH, HEIGHT = 480, 240
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 30
BAR = 22  # height of a bar with its gap


def line_chart(
    series: Mapping[str, Sequence[float]], x_label: str, *, y_range: tuple[float, float] | None = None
) -> Html:
    """One line a series over 1, 2, 3, …; the y axis spans the data, or `y_range`."""
    values = [value for line in series.values() for value in line]
    low, high = y_range or (min(values, default=0.0), max(values, default=1.0))
    span, last = (high - low) or 1.0, max((len(line) for line in series.values()), default=1)

    def x(i: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * i / max(last - 1, 1)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (min(max(value, low), high) - low) / span)

    parts = [_y_tick(low + span * step / 4, y(low + span * step / 4)) for step in range(5)]
    parts += [_label(x(0), HEIGHT - 12, "1", "middle"), _label(x(last - 1), HEIGHT - 12, str(last), "end")]
    parts.append(_label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_label, "middle"))
    for i, (name, line) in enumerate(series.items()):
        points = " ".join(f"{x(j):.1f},{y(value):.1f}" for j, value in enumerate(line))
        parts.append(f'<polyline class="line c{i}" points="{points}"><title>{text(name)}</title></polyline>')
    return Html(_svg("\n".join(parts), HEIGHT) + _legend(series))


def bar_chart(values: Mapping[str, float], *, high: float | None = None, unit: str = "") -> Html:
    """One horizontal bar a name; `high` is the value of a full bar."""
    full = high or max(values.values(), default=1.0) or 1.0
    left, right = 150, 70
    parts = []
    for i, (name, value) in enumerate(values.items()):
        width = (WIDTH - left - right) * max(min(value / full, 1.0), 0.0)
        middle = i * BAR + BAR / 2
        parts.append(_label(left - 8, middle + 4, name, "end"))
        parts.append(f'<rect class="bar" x="{left}" y="{i * BAR + 3}" width="{width:.1f}" height="{BAR - 6}"/>')
        parts.append(_label(left + width + 6, middle + 4, _number(value) + unit, "start"))
    return Html(_svg("\n".join(parts), BAR * len(values) + 4))


def confusion_table(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> Html:
    """Rows are what a window is, columns what won; the darker, the larger its share of the row."""
    head = "".join(f"<th>{text(label)}</th>" for label in labels)
    rows = "\n".join(_confusion_row(label, row) for label, row in zip(labels, counts, strict=True))
    top = f"<thead><tr><th>is \\ heard as</th>{head}</tr></thead>"
    return Html(f'<div class="wide"><table class="confusion">{top}<tbody>{rows}</tbody></table></div>')


def _confusion_row(label: str, row: Sequence[int]) -> str:
    total = sum(row) or 1
    cells = "".join(_share(count, count / total) for count in row)
    return f"<tr><th>{text(label)}</th>{cells}</tr>"


def _share(count: int, share: float) -> str:
    return f'<td class="number" style="--share:{share:.2f}">{share * 100:.1f} % <small>{count}</small></td>'


def _svg(body: str, height: float) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img">{body}</svg>'


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _y_tick(value: float, y: float) -> str:
    grid = f'<line class="gridline" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return grid + _label(LEFT - 6, y + 4, f"{value:.2g}", "end")


def _label(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text(words)}</text>'


def _legend(names: Mapping[str, object]) -> str:
    items = "".join(f'<span class="key c{i}">{text(name)}</span>' for i, name in enumerate(names))
    return f'<div class="legend">{items}</div>'
