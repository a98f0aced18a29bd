"""Change settings in eitk.toml; comments and the order of the keys stay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.dotted import set_in, value_in
from ei_toolkit.errors import UsageError


def change_settings(file: Path, values: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
    """Set values by their dotted names, in one step, and return the former ones; None for a key that was not there.

    The caller has checked the values.
    """
    import tomlkit  # it takes 30 ms, which no help needs

    document = tomlkit.parse(file.read_text(encoding="utf-8"))
    before = {key: _value_or_none(document.unwrap(), key) for key in values}
    for key, value in values.items():
        set_in(document, key, value)
    if not dry_run:
        write_text(file, tomlkit.dumps(document))
    return before


def _value_or_none(table: Mapping[str, Any], key: str) -> Any:
    try:
        return value_in(table, key)
    except UsageError:
        return None
