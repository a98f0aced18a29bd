"""Change tables of a TOML document; comments and values that stay the same are kept as they are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomlkit


def update_tables(document: Any, tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Set the keys of tables in a document of tomlkit; a value of None removes the key."""
    for name, table in tables.items():
        target = document.setdefault(name, tomlkit.table())
        present = target.unwrap()
        for key, value in table.items():
            if value is None:
                target.pop(key, None)
            elif key not in present or not _is_same_toml(present[key], value):
                target.pop(key, None)
                target[key] = value


def _is_same_toml(a: Any, b: Any) -> bool:
    """Whether two values are written alike: 1 and true are equal in Python, but not in TOML."""
    return tomlkit.dumps({"value": a}) == tomlkit.dumps({"value": b})
