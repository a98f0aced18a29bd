"""Dotted names of values in nested tables, such as `training.epochs` and `impulse.layers[1].units`.

A single table counts as an array of one, in both directions: `impulse.dsp.type` and `impulse.dsp[0].type` are the same.
"""

from __future__ import annotations

import difflib
import re
from itertools import pairwise
from typing import Any

from ei_toolkit.errors import UsageError

PART = re.compile(r"([^.\[\]]+)|\[(\d{1,6})\]")
Part = str | int


def value_in(table: Any, key: str) -> Any:
    """Return a value of nested tables. Raises UsageError with a similar name if there is none."""
    node, path = table, ""
    for part in _parts(key):
        node = _holder(node, part)
        if not _has(node, part):
            near = difflib.get_close_matches(str(part), list(node) if isinstance(node, dict) else [], n=1)
            hint = f"Did you mean {path}{near[0]}?" if near else "eitk config show lists all settings."
            raise UsageError(f"{key} is not a setting", hint=hint)
        node = node[part]
        path = f"{path}{part}." if isinstance(part, str) else f"{path.rstrip('.')}[{part}]."
    return node


def set_in(table: Any, key: str, value: Any) -> bool:
    """Set a value in nested tables and make the tables that are missing.

    Returns False and sets nothing if an element of an array does not exist, or something else than a table is there.
    """
    parts = _parts(key)
    node, last = table, parts[-1]
    for part, following in pairwise(parts):
        node = _holder(node, part)
        if _has(node, part):
            node = node[part]
        elif isinstance(node, dict) and isinstance(part, str) and (isinstance(following, str) or following == 0):
            node = node.setdefault(part, {})
        else:
            return False
    node = _holder(node, last)
    if not (_has(node, last) or (isinstance(node, dict) and isinstance(last, str))):
        return False
    node[last] = value
    return True


def _parts(key: str) -> list[Part]:
    return [int(index) if index else name for name, index in PART.findall(key)]


def _holder(node: Any, part: Part) -> Any:
    """Return the table or array in which a name or a number is looked up."""
    if isinstance(part, str) and isinstance(node, list) and len(node) == 1:
        return node[0]
    return [node] if part == 0 and isinstance(node, dict) else node


def _has(node: Any, part: Part) -> bool:
    if isinstance(part, str):
        return isinstance(node, dict) and part in node
    return isinstance(node, list) and part < len(node)
