"""Read TOML text that is not trusted: no depth stops the program."""

from __future__ import annotations

import tomllib
from typing import Any

from ei_toolkit.config.untrusted_json import NestedTooDeeply, check_depth


def read_toml(text: str) -> dict[str, Any]:
    """Return the table of TOML text.

    Raises ValueError for invalid TOML, NestedTooDeeply for TOML that is nested deeper than `DEEPEST` levels.
    """
    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise NestedTooDeeply("TOML") from error
    check_depth(table, "TOML")
    return table
