"""The settings of eitk.toml that the studio's pages use: those with which the sketch decides.

The studio does not read eitk.toml. Its pages have the defaults, and `eitk studio open` adds the settings of a project
to the address that it opens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ei_toolkit.config.setting import range_of
from ei_toolkit.config.settings import BoardSettings, Settings, SliceSettings

NUMBERS: Mapping[str, tuple[type, str]] = {
    "targetDbfs": (SliceSettings, "target_dbfs"),
    "maxGainDb": (SliceSettings, "max_gain_db"),
    "threshold": (BoardSettings, "threshold"),
    "smoothing": (BoardSettings, "smoothing"),
    "hysteresis": (BoardSettings, "hysteresis"),
    "holdMs": (BoardSettings, "hold_ms"),
}
"""The table and the name of each setting that is a number, by its name in the pages."""


def defaults_js() -> str:
    """Return the module with the default of each setting, and with the range of those that are numbers."""
    found: dict[str, dict[str, Any]] = {"level": {"value": _default(SliceSettings, "level")}}
    for name, (table, own) in NUMBERS.items():
        allowed = range_of(table, own)
        limits = {"minimum": allowed.low, "maximum": allowed.high, "whole": allowed.whole}
        found[name] = {"value": _default(table, own), **limits}
    return f"export const DEFAULTS = {json.dumps(found)};\n"


def project_settings(settings: Settings) -> str:
    """Return the settings of a project as JSON, for the address that `eitk studio open` opens."""
    tables = {SliceSettings: settings.slice, BoardSettings: settings.board}
    numbers = {name: getattr(tables[table], own) for name, (table, own) in NUMBERS.items()}
    return json.dumps({"level": settings.slice.level, **numbers}, separators=(",", ":"))


def _default(table: type, name: str) -> Any:
    return next(one.default for one in fields(table) if one.name == name)
