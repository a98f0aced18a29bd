"""Sinks of board events: JSON lines, CSV and text. A sink is a function that takes one event."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from ei_toolkit.board.protocol.events import Event, Prediction, event_json
from ei_toolkit.config.json_text import json_text
from ei_toolkit.config.untrusted_text import printable, printable_json
from ei_toolkit.errors import UsageError
from ei_toolkit.report.tail_view import plain_line

Sink = Callable[[Event], None]
COLUMNS = ("time", "seq", "end", "winner", "level_dbfs", "dsp_us", "nn_us", "overruns", "model", "scores")


def json_lines(stream: TextIO) -> Sink:
    """Write one JSON object per line."""

    def write(event: Event) -> None:
        stream.write(printable_json(json_text(_stamped(event))) + "\n")
        stream.flush()

    return write


def csv_rows(stream: TextIO) -> Sink:
    """Write predictions as CSV with a header; the scores are one JSON column, since each model has its own labels."""
    rows = csv.DictWriter(stream, COLUMNS, extrasaction="ignore")
    rows.writeheader()

    def write(event: Event) -> None:
        if isinstance(event, Prediction):
            rows.writerow(_stamped(event) | {"scores": json_text(dict(event.scores))})
            stream.flush()

    return write


def text_lines(stream: TextIO) -> Sink:
    """Write lines of text that begin with the time."""

    def write(event: Event) -> None:
        if words := plain_line(event):
            stream.write(f"{_now()}  {printable(words)}\n")
            stream.flush()

    return write


def rate_limited(sink: Sink, seconds: float, clock: Callable[[], float] = time.monotonic) -> Sink:
    """Pass on at most one prediction in this time, and all events that are not predictions."""
    due = float("-inf")

    def write(event: Event) -> None:
        nonlocal due
        if isinstance(event, Prediction):
            if clock() < due:
                return
            due = clock() + seconds
        sink(event)

    return write


def both(first: Sink, second: Sink) -> Sink:
    """Pass every event to two sinks."""

    def write(event: Event) -> None:
        first(event)
        second(event)

    return write


KINDS: dict[str, Callable[[TextIO], Sink]] = {
    ".csv": csv_rows,
    ".json": json_lines,
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".log": text_lines,
    ".txt": text_lines,
}


def check_suffix(path: Path) -> None:
    """Raise UsageError for a file whose suffix is not that of a log format."""
    if path.suffix.lower() not in KINDS:
        raise UsageError(
            f"--log: the suffix of {path.name} is not a log format", hint=f"Use one of {', '.join(KINDS)}."
        )


@contextmanager
def log_file(path: Path | None) -> Iterator[Sink]:
    """Open a log file whose suffix determines the format; None writes nothing. Raises UsageError for another suffix."""
    if path is None:
        yield lambda _: None
        return
    check_suffix(path)
    try:
        stream = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{path} cannot be written", why=str(error)) from None
    with stream:
        yield KINDS[path.suffix.lower()](stream)


def _stamped(event: Event) -> dict[str, object]:
    return {"time": _now(), **event_json(event)}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
