"""Times and JSON text in the form of Edge Impulse's API."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

LARGEST_INTEGER = 2**63 - 1  # of SQLite
DEEPEST = 100  # levels of nested lists and objects in accepted JSON; Python's parser fails near 1000
HEX = "[0-9a-fA-F]{2}"
UNPAIRED_SURROGATE = re.compile(  # the group matches an unpaired one; pairs and escaped backslashes match without it
    rf"\\(?:\\|u[dD][89abAB]{HEX}\\u[dD][c-fC-F]{HEX}|(u[dD][89a-fA-F]{HEX}))"
)


def now() -> str:
    """Return the current time as Edge Impulse writes it, `2026-11-21T00:00:00.000Z`. Such texts sort by time."""
    return stamp(datetime.now(UTC))


def stamp(moment: datetime) -> str:
    """Return a time with a time zone in the same form."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def read_json(data: str | bytes) -> Any:
    """Return the value of JSON text; half a surrogate pair, which UTF-8 cannot encode, is replaced by U+FFFD.

    Raises ValueError for invalid JSON, and for JSON that is nested deeper than `DEEPEST` levels.
    """
    text = data if isinstance(data, str) else data.decode(json.detect_encoding(data))
    try:
        value = json.loads(UNPAIRED_SURROGATE.sub(lambda found: r"\ufffd" if found[1] else found[0], text))
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error
    _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level: list[Any] = [[value]]
    for _ in range(DEEPEST + 1):
        items = (item for outer in level for item in (outer.values() if isinstance(outer, dict) else outer))
        level = [item for item in items if isinstance(item, dict | list)]
        if not level:
            return
    raise ValueError("JSON is nested too deeply")
