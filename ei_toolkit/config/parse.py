"""From plain TOML values to the settings' types; each wrong value becomes a fault that states what would be right."""

from __future__ import annotations

import difflib
import math
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ei_toolkit.config.settings import DspBlock
from ei_toolkit.errors import Fault, SettingsError

T = TypeVar("T")
BOOLEAN_WORDS = {
    "true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False,
}  # fmt: skip


class Invalid(Exception):
    """A value that cannot be converted; without a fault if its parts have been reported."""

    def __init__(self, fault: Fault | None = None) -> None:
        super().__init__(str(fault))
        self.fault = fault


def parse_table(cls: type[T], table: object, where: str) -> T:
    """Build the dataclass `cls` from a TOML table; `where` is its dotted name for messages.

    Raises SettingsError for unknown keys and values of the wrong kind, all of them in one error.
    """
    faults: list[Fault] = []
    parsed = try_table(cls, table, where, faults)
    if parsed is None or faults:
        raise SettingsError(faults)
    return parsed


def try_table(cls: type[T], table: object, where: str, faults: list[Fault]) -> T | None:
    """Do the same, but add the faults to a list, and leave the values that are wrong at their defaults.

    Returns None where a value that has no default is wrong.
    """
    try:
        found: T = _Parser(faults).table(cls, table, where)
    except Invalid as invalid:
        faults.extend([invalid.fault] if invalid.fault else [])
        return None
    return found


def parse_text(hint: Any, text: str, where: str) -> Any:
    """Convert a value given as text, in an environment variable. Raises Invalid."""
    if get_origin(hint) is tuple:
        return tuple(parse_text(get_args(hint)[0], part.strip(), where) for part in text.split(",") if part.strip())
    if hint is bool:
        if text.lower() not in BOOLEAN_WORDS:
            raise _wrong(where, text, "true or false")
        return BOOLEAN_WORDS[text.lower()]
    if hint in (int, float):
        try:
            return _scalar(hint, hint(text), where)
        except ValueError:
            raise _wrong(where, text, _name(hint)) from None
    return _Parser([]).value(hint, text, where)


class _Parser:
    """Converts tables and collects the faults of their values."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults

    def table(self, cls: Any, table: object, where: str) -> Any:
        """Convert a table. Raises Invalid where a key without a default is missing or wrong."""
        if not isinstance(table, Mapping):
            raise _wrong(where, table, "a table")
        if cls is DspBlock:
            table = _gather_params(table)
        hints, known = get_type_hints(cls), [f.name for f in fields(cls)]
        values: dict[str, Any] = {}
        for key, value in table.items():
            path = f"{where}.{key}" if where else str(key)
            try:
                if key not in known:
                    raise _unknown(path, str(key), known)
                values[key] = self.value(hints[key], value, where if (cls, key) == (DspBlock, "params") else path)
            except Invalid as invalid:
                self.faults.extend([invalid.fault] if invalid.fault else [])
        needed = [f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]
        if missing := [name for name in needed if name not in table]:
            raise Invalid(Fault(where, f"{where}: the key {missing[0]} is missing", "Add the key."))
        if any(name not in values for name in needed):
            raise Invalid
        return cls(**values)

    def value(self, hint: Any, value: object, where: str) -> Any:
        """Check and convert one value against a type hint. Raises Invalid."""
        origin = get_origin(hint)
        if is_dataclass(hint):
            return self.table(hint, value, where)
        if origin is Literal:
            return _choice(get_args(hint), value, where)
        if origin is tuple:
            return self._sequence(get_args(hint)[0], value, where)
        if origin is Mapping:
            return self._mapping(get_args(hint)[1], value, where)
        if origin in (Union, types.UnionType):
            return _scalar_of(get_args(hint), value, where)
        return _scalar(hint, value, where)

    def _sequence(self, item: Any, value: object, where: str) -> tuple[Any, ...]:
        if isinstance(value, Mapping) and is_dataclass(item):
            value = [value]  # [impulse.dsp] once is the same as [[impulse.dsp]]
        if not isinstance(value, (list, tuple)):
            raise _wrong(where, value, "a list")
        return tuple(self._items(item, {f"{where}[{i}]": each for i, each in enumerate(value)}).values())

    def _mapping(self, item: Any, value: object, where: str) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise _wrong(where, value, "a table")
        items = self._items(item, {f"{where}.{key}": each for key, each in value.items()})
        return MappingProxyType({key.removeprefix(f"{where}."): each for key, each in items.items()})

    def _items(self, hint: Any, items: Mapping[str, object]) -> dict[str, Any]:
        """Convert each item; leave out those that are wrong."""
        converted = {}
        for key, value in items.items():
            try:
                converted[key] = self.value(hint, value, key)
            except Invalid as invalid:
                self.faults.extend([invalid.fault] if invalid.fault else [])
        return converted


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


def _wrong(where: str, value: object, wanted: str) -> Invalid:
    return Invalid(Fault(where, f"{where} = {value!r}: must be {wanted}", f"Set {where} to {wanted}."))


def _unknown(where: str, key: str, known: list[str]) -> Invalid:
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else "Known keys: " + ", ".join(known) + "."
    return Invalid(Fault(where, f"{where} is not a setting", hint))
