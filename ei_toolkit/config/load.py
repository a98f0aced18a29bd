"""The configuration in force: eitk.toml, environment variables, -o and the options of a command, in this order."""

from __future__ import annotations

import copy
import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_origin, get_type_hints

from ei_toolkit.config.dotted import set_in
from ei_toolkit.config.parse import Invalid, parse_text, try_table
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.config.setting import refused_values
from ei_toolkit.config.settings import Settings
from ei_toolkit.config.toml_lines import line_numbers, line_of
from ei_toolkit.config.untrusted_toml import read_toml
from ei_toolkit.errors import ConfigurationError, Fault, SettingsError, UsageError

CONFIG_NAME = "eitk.toml"
PREFIX = "EITK_"
OTHER_VARIABLES = frozenset({"EITK_CLOUD_TEST", "EITK_SHARED", "EITK_TEST_WORKERS"})
"""Variables of eitk's own tests, which are no settings."""
OPTION = "-o"
FLAG = "flag"
PLAIN_HINTS = (str, int, float, bool, tuple[str, ...], tuple[float, ...])  # what an environment variable can hold
NAME = re.compile(r"[a-z]")
TOML_LINE = re.compile(r"at line (\d+), column (\d+)")


@dataclass(frozen=True)
class Config:
    """Settings, the project they belong to, and the origin of every value that is not a default.

    `options` are the settings that -o gave.
    """

    settings: Settings
    paths: ProjectPaths
    file: Path | None
    origins: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def origin(self, key: str) -> str:
        """`flag`, `-o`, the environment variable's name, the file's path, or `default`."""
        return self.origins.get(key, "default")

    def values(self) -> Iterator[tuple[str, Any]]:
        """Every setting as (dotted key, value)."""
        yield from _flatten(self.settings, "")

    def error(self, faults: Sequence[Fault]) -> SettingsError:
        """The error for faults, each with the variable, the option, or the file and line of its value."""
        return _settings_error(_located(faults, self.file, self.origins))


@dataclass(frozen=True)
class _Override:
    """A value that replaces the one of the file."""

    key: str
    value: Any
    origin: str


def find_config(start: Path) -> Path | None:
    """The nearest eitk.toml at or above `start`."""
    for folder in (start, *start.parents):
        if (folder / CONFIG_NAME).is_file():
            return folder / CONFIG_NAME
    return None


def load_config(
    start: Path,
    environ: Mapping[str, str],
    flags: Mapping[str, Any] | None = None,
    options: Sequence[str] = (),
    check: Callable[[Settings], Iterable[Fault]] = refused_values,
) -> Config:
    """Load the configuration that is in force at `start`.

    `flags` maps dotted keys to values already of the right type; None values are ignored. `options` are texts
    `KEY=VALUE` with a value of TOML. `check` yields the faults of settings whose types are right. Raises
    ConfigurationError for an unreadable file, SettingsError with all unknown keys and wrong values, wherever they came
    from, and UsageError for an option that is no `KEY=VALUE`.
    """
    file = find_config(start)
    table = _read(file) if file else {}
    faults: list[Fault] = []
    settings = try_table(Settings, table, "", faults)
    origins = dict.fromkeys(_keys_of(table), str(file))
    given = dict(map(parse_option, options))
    overrides = [
        *_variables(environ, faults),
        *(_Override(key, value, OPTION) for key, value in given.items()),
        *(_Override(key, value, FLAG) for key, value in (flags or {}).items() if value is not None),
    ]
    if overrides:
        merged = copy.deepcopy(table)
        for one in overrides:
            origins[one.key] = one.origin
            if not set_in(merged, one.key, one.value) and one.origin == OPTION:
                faults.append(Fault(one.key, f"{one.key} cannot be set: there is no such table or element"))
        of_merged: list[Fault] = []
        settings = try_table(Settings, merged, "", of_merged)
        faults += [fault for fault in of_merged if fault not in faults]
    faults += check(settings) if settings else ()
    if faults or settings is None:
        raise _settings_error(_located(faults, file, origins))
    root = file.parent if file else start
    return Config(settings, ProjectPaths(root), file, MappingProxyType(origins), MappingProxyType(given))


def unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each variable that looks like a setting and is none."""
    known = [variable_of(key) for key, _ in leaf_hints(Settings)]
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known and name not in OTHER_VARIABLES:
            near = difflib.get_close_matches(name, known, n=1)
            yield f"the environment variable {name} has no effect" + (f"; did you mean {near[0]}?" if near else "")


def variable_of(key: str) -> str:
    """The environment variable of a setting, such as EITK_TRAINING_EPOCHS."""
    return PREFIX + key.upper().replace(".", "_")


def parse_option(text: str) -> tuple[str, Any]:
    """Return key and value of `KEY=VALUE`. Text needs no quotation marks. Raises UsageError."""
    key, equals, written = (part.strip() for part in text.partition("="))
    if not equals or not NAME.match(key):
        raise UsageError(f"{OPTION} {text} is no KEY=VALUE", hint=f"For example {OPTION} training.epochs=5")
    try:
        value = tomllib.loads(f"value = {written}")["value"]
    except ValueError:  # a word such as host
        value = written
    is_text = dict(leaf_hints(Settings)).get(key) is str
    return key, written if is_text and not isinstance(value, str) else value


def _variables(environ: Mapping[str, str], faults: list[Fault]) -> Iterator[_Override]:
    """Yield the settings of environment variables; add those of the wrong kind to `faults`."""
    for key, hint in leaf_hints(Settings):
        if (name := variable_of(key)) in environ:
            try:
                yield _Override(key, parse_text(hint, environ[name], key), name)
            except Invalid as invalid:
                faults.extend([replace(invalid.fault, place=name)] if invalid.fault else [])


def _settings_error(faults: Sequence[Fault]) -> SettingsError:
    """The error for faults, with the exit code of a wrong command line if all of them are in its options."""
    error = SettingsError(faults)
    if all(fault.place == OPTION for fault in faults):
        error.exit_code = UsageError.exit_code
    return error


def _located(faults: Sequence[Fault], file: Path | None, origins: Mapping[str, str]) -> list[Fault]:
    """Return the faults with their places: those of the file first, in the order of its lines."""
    lines = line_numbers(file.read_text(encoding="utf-8")) if file and faults else {}
    placed = [
        fault if fault.place else replace(fault, place=_place(fault.key, file, origins, lines)) for fault in faults
    ]
    return sorted(placed, key=lambda fault: (fault.place in origins.values(), line_of(fault.key, lines) or 0))


def _place(key: str, file: Path | None, origins: Mapping[str, str], lines: Mapping[str, int]) -> str:
    origin = origins.get(key) or origins.get(key.replace("[0]", ""))
    if origin is not None and origin != str(file):
        return origin
    line = line_of(key, lines)
    return f"{shown_path(file)}:{line}" if file and line else shown_path(file) if file else ""


def shown_path(file: Path) -> str:
    """The path of a file, relative to the current folder if that is its folder or one below."""
    return os.path.relpath(file) if Path.cwd().is_relative_to(file.parent) else str(file)


def _read(file: Path) -> dict[str, Any]:
    try:
        return read_toml(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        found = TOML_LINE.search(str(error))
        place = f"{shown_path(file)}:{found[1]}:{found[2]}:" if found else shown_path(file)
        raise ConfigurationError(
            f"{place} cannot be read", why=str(error), hint="Correct the file, or write a new one with: eitk init"
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


def leaf_hints(cls: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each setting that an environment variable can hold, with its type."""
    for name, hint in get_type_hints(cls).items():
        if is_dataclass(hint):
            yield from leaf_hints(hint, f"{prefix}{name}.")
        elif hint in PLAIN_HINTS or get_origin(hint) is Literal:
            yield prefix + name, hint
