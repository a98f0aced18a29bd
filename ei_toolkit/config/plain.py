"""Settings as plain JSON-able values, in the shape of eitk.toml, so that they can be kept and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from ei_toolkit.config.settings import DspBlock


def plain(value: object) -> Any:
    """Tables as dicts, tuples as lists. `parse_table(Settings, plain(settings), "")` gives the settings back."""
    if isinstance(value, DspBlock):
        own = {f.name: getattr(value, f.name) for f in fields(value) if f.name != "params"}
        return own | dict(value.params)
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value
