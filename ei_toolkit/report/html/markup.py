"""HTML in small pieces. Every text is escaped here; only `Html` passes as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from ei_toolkit.report.tables import cell


class Html(str):
    """Text that already is HTML."""

    __slots__ = ()


@dataclass(frozen=True)
class Section:
    """One part of the page, with the anchor that the navigation points to."""

    anchor: str
    title: str
    body: Html


def text(value: object) -> Html:
    """Escape a value, unless it is HTML already; None is nothing."""
    if isinstance(value, Html):
        return value
    return Html("" if value is None else escape(str(value)))


def join(parts: Iterable[object]) -> Html:
    """Pieces one behind the other."""
    return Html("\n".join(text(part) for part in parts))


def paragraph(*parts: object) -> Html:
    """A paragraph."""
    return Html(f"<p>{' '.join(text(part) for part in parts)}</p>")


def heading(title: str) -> Html:
    """A heading inside a section."""
    return Html(f"<h3>{text(title)}</h3>")


def table(head: Sequence[object], rows: Iterable[Sequence[object]], *, caption: str = "") -> Html:
    """A table that scrolls sideways by itself where it is wider than the page. Numbers stand right."""
    body = [tuple(row) for row in rows]
    numbers = [any(_is_number(row[i]) for row in body) for i in range(len(head))]
    title = f"<caption>{text(caption)}</caption>" if caption else ""
    lines = "\n".join(_row("td", row, numbers) for row in body)
    return Html(
        f'<div class="wide"><table>{title}<thead>{_row("th", head, numbers)}</thead>\n'
        f"<tbody>{lines}</tbody></table></div>"
    )


def figure(content: Html, caption: str) -> Html:
    """A picture or a player with a line below."""
    return Html(f"<figure>{content}<figcaption>{text(caption)}</figcaption></figure>")


def grid(items: Iterable[Html]) -> Html:
    """Figures side by side, as many as fit."""
    return Html(f'<div class="grid">{join(items)}</div>')


def details(title: str, body: Html) -> Html:
    """Something long that opens at a click."""
    return Html(f"<details><summary>{text(title)}</summary>{body}</details>")


def preformatted(words: str) -> Html:
    """Lines as they are; too long ones scroll by themselves."""
    return Html(f'<div class="wide"><pre>{text(words)}</pre></div>')


def percent(fraction: float | None) -> str:
    """0.934 as "93.4 %"."""
    return "–" if fraction is None else f"{fraction * 100:.1f} %"


def _row(tag: str, cells: Sequence[object], numbers: Sequence[bool]) -> str:
    shown = (cell(value) if isinstance(value, float | None) else value for value in cells)
    marks = (' class="number"' if number else "" for number in numbers)
    return "<tr>" + "".join(f"<{tag}{m}>{text(c)}</{tag}>" for c, m in zip(shown, marks, strict=True)) + "</tr>"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, str) and value[:1].isdigit())
