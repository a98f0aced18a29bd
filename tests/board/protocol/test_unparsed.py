"""Lines that are not parsed: which look like scores, when that is reported, and the lines of `eitk tail --raw`."""

from __future__ import annotations

import pytest

from ei_toolkit.board.protocol.events import Event, Info, Line, Prediction, Unknown, Warning
from ei_toolkit.board.protocol.unparsed import REPORTED_AFTER, RawLines, looks_like_score, report_unknown_scores

SCORE, ROCK = Unknown("rock = 0.91"), Prediction({"rock": 1.0}, "rock", "sketch")


@pytest.mark.parametrize(
    "line",
    ["rock = 0.91", "  rock -> .913", "rock: 91 %", "rock: 91.3%", "rock (0.91)", "rock\t0.00391;", "[a: 1.0]"],
)  # fmt: skip
def test_a_line_with_a_share_at_its_end_looks_like_a_score(line: str) -> None:
    assert looks_like_score(line)


@pytest.mark.parametrize("line", ["", "0.91", "hello", "temperature 21.5", "version 3", "12:30", "x" * 300 + " 0.9"])
def test_another_line_does_not(line: str) -> None:
    assert not looks_like_score(line)


def warnings_of(events: list[Event | None]) -> list[str]:
    found = list(report_unknown_scores(iter(events)))
    assert [event for event in found if not isinstance(event, Warning)] == events
    return [event.text for event in found if isinstance(event, Warning)]


@pytest.mark.parametrize(("lines", "reports"), [(REPORTED_AFTER - 1, 0), (REPORTED_AFTER, 1), (5 * REPORTED_AFTER, 1)])
def test_ten_lines_are_reported_once(lines: int, reports: int) -> None:
    events: list[Event | None] = [None, SCORE, Info("x"), Unknown("hello")]
    texts = warnings_of(events * lines)
    assert len(texts) == reports
    assert all("eitk tail --raw" in text and str(REPORTED_AFTER) in text for text in texts)


def test_a_prediction_between_them_shows_that_the_format_is_known() -> None:
    assert warnings_of([*[SCORE] * 9, ROCK, *[SCORE] * 9]) == []


def test_raw_lines_are_unchanged() -> None:
    assert RawLines().feed('  {"eitk": 1} ') == [Line('  {"eitk": 1} ')]
    assert RawLines().flush() == []
