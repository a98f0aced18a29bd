"""From plain TOML values to the settings' types, with errors that name the key and what would be right."""

from __future__ import annotations

import difflib
import math
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.config.settings import DspBlock, Settings, check_settings
from ei_toolkit.config.untrusted_toml import read_toml
from ei_toolkit.errors import ConfigurationError

T = TypeVar("T")


def parse_table(cls: type[T], table: object, where: str) -> T:
    """Build the dataclass `cls` from a TOML table; `where` is its dotted name for messages.

    Raises ConfigurationError for an unknown key or a value of the wrong kind.
    """
    if not isinstance(table, Mapping):
        raise _wrong(where, table, "a table")
    if cls is DspBlock:
        table = _gather_params(table)
    hints = get_type_hints(cls)
    known = [f.name for f in fields(cls)]  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            raise _unknown(f"{where}.{key}" if where else key, key, known)
    values = {key: parse_value(hints[key], value, f"{where}.{key}".strip(".")) for key, value in table.items()}
    needed = [f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]  # type: ignore[arg-type]
    if missing := [name for name in needed if name not in values]:
        raise ConfigurationError(f"[{where}] is incomplete", why=f"it has no key {missing[0]}", hint="Add the key.")
    return cls(**values)


def parse_value(hint: Any, value: object, where: str) -> Any:
    """Check and convert one value against a type hint."""
    origin = get_origin(hint)
    if is_dataclass(hint):
        return parse_table(hint, value, where)  # type: ignore[arg-type]
    if origin is Literal:
        return _choice(get_args(hint), value, where)
    if origin is tuple:
        return _sequence(get_args(hint)[0], value, where)
    if origin is Mapping:
        return _mapping(get_args(hint)[1], value, where)
    if origin in (Union, types.UnionType):
        return _scalar_of(get_args(hint), value, where)
    return _scalar(hint, value, where)


def parse_text(hint: Any, text: str, where: str) -> Any:
    """Convert a value given as text, in an environment variable or a flag."""
    if get_origin(hint) is tuple:
        return tuple(parse_text(get_args(hint)[0], part.strip(), where) for part in text.split(",") if part.strip())
    if hint is bool:
        return _choice_of_words(text, where)
    if hint in (int, float):
        try:
            return _scalar(hint, hint(text), where)
        except ValueError:
            raise _wrong(where, text, _name(hint)) from None
    return parse_value(hint, text, where)


def _choice_of_words(text: str, where: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}
    if text.lower() not in words:
        raise _wrong(where, text, "true or false")
    return words[text.lower()]


def _gather_params(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """A block's own keys stay; every other key is one of its DSP parameters."""
    own = {f.name for f in fields(DspBlock)} - {"params"}
    gathered = {key: value for key, value in table.items() if key in own}
    gathered["params"] = {key: value for key, value in table.items() if key not in own}
    return gathered


def _choice(allowed: tuple[Any, ...], value: object, where: str) -> object:
    if value not in allowed:
        raise _wrong(where, value, "one of " + ", ".join(map(str, allowed)))
    return value


def _sequence(item: Any, value: object, where: str) -> tuple[Any, ...]:
    if isinstance(value, Mapping) and is_dataclass(item):
        value = [value]  # [impulse.dsp] once is the same as [[impulse.dsp]]
    if not isinstance(value, (list, tuple)):
        raise _wrong(where, value, "a list")
    return tuple(parse_value(item, v, f"{where}[{i}]") for i, v in enumerate(value))


def _mapping(item: Any, value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(where, value, "a table")
    return MappingProxyType({str(k): parse_value(item, v, f"{where}.{k}") for k, v in value.items()})


def _scalar_of(hints: tuple[Any, ...], value: object, where: str) -> object:
    if not isinstance(value, tuple(hints)):
        raise _wrong(where, value, "text, a number or true/false")
    if not _finite(value):
        raise _wrong(where, value, "a finite number")
    return value


def _scalar(hint: Callable[..., Any], value: object, where: str) -> Any:
    if not _finite(value):
        raise _wrong(where, value, "a finite number")
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is not bool and isinstance(value, bool)):  # type: ignore[arg-type]
        raise _wrong(where, value, _name(hint))
    return value


def _finite(value: object) -> bool:
    """Whether arithmetic can use a value; text is not asked."""
    try:
        return not isinstance(value, (int, float)) or math.isfinite(value)
    except OverflowError:  # a whole number beyond any float
        return False


def _name(hint: Any) -> str:
    return {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}[hint.__name__]


def _wrong(where: str, value: object, wanted: str) -> ConfigurationError:
    return ConfigurationError(f"{where} = {value!r} is not {wanted}", hint=f"Set {where} to {wanted}.")


def _unknown(where: str, key: str, known: list[str]) -> ConfigurationError:
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else "Known keys: " + ", ".join(known) + "."
    return ConfigurationError(f"{where} is not a setting", hint=hint)


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
        return read_toml(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{file} cannot be read", why=str(error), hint="Correct the file, or write a new one with: eitk init"
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
