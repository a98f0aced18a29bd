"""Find eitk.toml, merge flags over environment over file over defaults, and remember where each value came from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_origin, get_type_hints

from ei_toolkit.config.check import check_settings
from ei_toolkit.config.parse import parse_table, parse_text
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.config.settings import Settings
from ei_toolkit.errors import ConfigurationError

CONFIG_NAME = "eitk.toml"
PLAIN_HINTS = (str, int, float, bool, tuple[str, ...], tuple[float, ...])  # what an environment variable can hold


@dataclass(frozen=True)
class Config:
    """Settings, the project they belong to, and the origin of every value that is not a default."""

    settings: Settings
    paths: ProjectPaths
    file: Path | None
    origins: Mapping[str, str]

    def origin(self, key: str) -> str:
        """`flag`, the environment variable's name, the file's path, or `default`."""
        return self.origins.get(key, "default")

    def values(self) -> Iterator[tuple[str, Any]]:
        """Every setting as (dotted key, value)."""
        yield from _flatten(self.settings, "")


def find_config(start: Path) -> Path | None:
    """The nearest eitk.toml at or above `start`."""
    for folder in (start, *start.parents):
        if (folder / CONFIG_NAME).is_file():
            return folder / CONFIG_NAME
    return None


def load_config(start: Path, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Config:
    """Load the configuration that is in force at `start`.

    `flags` maps dotted keys to values already of the right type; None values are ignored.
    Raises ConfigurationError for an unreadable file, an unknown key, or a wrong value wherever it came from.
    """
    file = find_config(start)
    settings, origins = Settings(), {}
    if file is not None:
        settings = parse_table(Settings, _read(file), "")
        origins = dict.fromkeys(_keys_of(_read(file)), str(file))
    for key, hint in _leaf_hints(Settings, ""):
        name = "EITK_" + key.upper().replace(".", "_")
        if name in environ:
            settings = _replaced(settings, key, parse_text(hint, environ[name], name))
            origins[key] = name
    for key, value in (flags or {}).items():
        if value is not None:
            settings = _replaced(settings, key, value)
            origins[key] = "flag"
    check_settings(settings)
    root = file.parent if file else start
    return Config(settings, ProjectPaths(root), file, MappingProxyType(origins))


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{file} cannot be read", why=str(error), hint="Mend the file, or start anew with: eitk init"
        ) from None


def _keys_of(table: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _keys_of(value, f"{prefix}{key}.")
        yield prefix + key


def _flatten(node: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for f in fields(node):
        value = getattr(node, f.name)
        if is_dataclass(value):
            yield from _flatten(value, f"{prefix}{f.name}.")
        else:
            yield prefix + f.name, value


def _leaf_hints(cls: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, hint in get_type_hints(cls).items():
        if is_dataclass(hint):
            yield from _leaf_hints(hint, f"{prefix}{name}.")
        elif hint in PLAIN_HINTS or get_origin(hint) is Literal:
            yield prefix + name, hint


def _replaced(node: Any, key: str, value: Any) -> Any:
    head, _, rest = key.partition(".")
    if rest:
        value = _replaced(getattr(node, head), rest, value)
    return replace(node, **{head: value})
