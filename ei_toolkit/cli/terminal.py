"""A Rich console that shows no control characters of others. Rich's own, such as colours, are not affected."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from ei_toolkit.config.untrusted_text import printable


class PrintableConsole(Console):
    """Cleans the text of every segment; segments of Rich that control the terminal have no text of others."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a renderable."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))
