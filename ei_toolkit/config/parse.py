"""From plain TOML values to the settings' types, with errors that name the key and what would be right."""

from __future__ import annotations

import difflib
import math
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ei_toolkit.config.settings import DspBlock
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
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigurationError(f"[{where}] is incomplete", why=str(error).split("() ")[-1]) from None


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
            raise _wrong(where, text, f"a {_name(hint)}") from None
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
        raise _wrong(where, value, f"a {_name(hint)}")
    return value


def _finite(value: object) -> bool:
    """Whether arithmetic can use a value; text is not asked."""
    try:
        return not isinstance(value, (int, float)) or math.isfinite(value)
    except OverflowError:  # a whole number beyond any float
        return False


def _name(hint: Any) -> str:
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}[hint.__name__]


def _wrong(where: str, value: object, wanted: str) -> ConfigurationError:
    return ConfigurationError(f"{where} = {value!r} is not {wanted}", hint=f"Set {where} to {wanted}.")


def _unknown(where: str, key: str, known: list[str]) -> ConfigurationError:
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else "Known keys: " + ", ".join(known) + "."
    return ConfigurationError(f"{where} is not a setting", hint=hint)
