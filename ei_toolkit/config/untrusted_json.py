"""Read JSON text that is not trusted: no depth and no half of a surrogate pair stops the program."""

from __future__ import annotations

import json
import re
from typing import Any

DEEPEST = 100  # levels of nested lists and objects in accepted JSON; Python's parser fails near 1000
HEX = "[0-9a-fA-F]{2}"
UNPAIRED_SURROGATE = re.compile(  # the group matches an unpaired one; pairs and escaped backslashes match without it
    rf"\\(?:\\|u[dD][89abAB]{HEX}\\u[dD][c-fC-F]{HEX}|(u[dD][89a-fA-F]{HEX}))"
)


class NestedTooDeeply(ValueError):
    """JSON or TOML with more levels than `DEEPEST`."""

    def __init__(self, kind: str = "JSON") -> None:
        super().__init__(f"{kind} is nested too deeply")


def read_json(data: str | bytes) -> Any:
    """Return the value of JSON text; half a surrogate pair, which UTF-8 cannot encode, is replaced by U+FFFD.

    Raises ValueError for invalid JSON, NestedTooDeeply for JSON that is nested deeper than `DEEPEST` levels.
    """
    text = data if isinstance(data, str) else data.decode(json.detect_encoding(data))
    try:
        value = json.loads(UNPAIRED_SURROGATE.sub(lambda found: r"\ufffd" if found[1] else found[0], text))
    except RecursionError as error:
        raise NestedTooDeeply from error
    check_depth(value)
    return value


def check_depth(value: Any, kind: str = "JSON") -> None:
    """Raise NestedTooDeeply for lists and objects that are nested deeper than `DEEPEST` levels."""
    level: list[Any] = [[value]]
    for _ in range(DEEPEST + 1):
        items = (item for outer in level for item in (outer.values() if isinstance(outer, dict) else outer))
        level = [item for item in items if isinstance(item, dict | list)]
        if not level:
            return
    raise NestedTooDeeply(kind)
