"""Lines that are not parsed: shown unchanged on request, and reported if they look like scores in an unknown format."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ei_toolkit.board.protocol.events import Event, Line, Prediction, Unknown, Warning

SCORE = re.compile(r"\S.*?[\s:=(\[](?:[01]?\.\d{1,8}|\d{1,3}(?:\.\d{1,8})? ?%)[)\]\s,;]*$")
REPORTED_AFTER = 10  # lines without a prediction between them


class RawLines:
    """Stands in for a `Parser`: each line is an event with its unchanged text."""

    def feed(self, line: str) -> list[Event]:
        """Return the line as it is."""
        return [Line(line)]

    def flush(self) -> list[Event]:
        """Return nothing: no line is kept back."""
        return []


def looks_like_score(line: str) -> bool:
    """Whether a line ends with a number from 0 to 1 with a decimal point, or with a percentage, after other text."""
    return len(line) < 256 and SCORE.search(line) is not None


def report_unknown_scores(events: Iterator[Event | None]) -> Iterator[Event | None]:
    """Yield all events, and once a warning after ten unknown lines that look like scores without a prediction."""
    unknown = 0
    for event in events:
        yield event
        if isinstance(event, Prediction):
            unknown = 0
        elif isinstance(event, Unknown) and looks_like_score(event.text):
            unknown += 1
            if unknown == REPORTED_AFTER:
                yield Warning(
                    f"{unknown} lines look like scores, but their format is not known, so they are not predictions; "
                    "eitk tail --raw shows all lines unchanged"
                )
