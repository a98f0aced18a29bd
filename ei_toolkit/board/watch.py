"""The events of a board, one after the other, for as long as somebody wants them."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ei_toolkit.board.events import Event, Warning
from ei_toolkit.board.lines import LineSplitter
from ei_toolkit.board.link import Link, LinkLost
from ei_toolkit.board.parse import Parser

TICK_S = 0.1  # how long a read waits; also how long the end of a text block is waited for


def events(link: Link, parser: Parser, *, seconds: float | None = None) -> Iterator[Event | None]:
    """Events as they come, None in every quiet moment, until `seconds` are over or the line is lost.

    A line that has been parsed counts as used.
    """
    lines = LineSplitter()
    deadline = None if seconds is None else time.monotonic() + seconds
    while deadline is None or time.monotonic() < deadline:
        try:
            data = link.read(TICK_S)
        except LinkLost as error:
            yield from parser.flush()
            yield Warning(f"the line is lost: {error}")
            return
        if not data:
            yield from parser.flush() or (None,)
        for line in lines.add(data):
            link.used(1)
            yield from parser.feed(line)
