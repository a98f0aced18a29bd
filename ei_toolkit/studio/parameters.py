"""The forms of the wire: times, tolerant bodies and queries."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ei_toolkit.studio.http.errors import Malformed

LARGEST_INTEGER = 2**63 - 1  # what SQLite can hold
DEEPEST = 100  # levels of lists and objects in JSON that is sent; Python itself gives up near a thousand
HEX = "[0-9a-fA-F]{2}"
LONE = re.compile(rf"\\(?:\\|u[dD][89abAB]{HEX}\\u[dD][c-fC-F]{HEX}|(u[dD][89a-fA-F]{HEX}))")  # whole pairs go by
TRUE, FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no", ""})


def now() -> str:
    """The time as Edge Impulse writes it, `2026-11-21T00:00:00.000Z`; sorts as text."""
    return stamp(datetime.now(UTC))


def stamp(moment: datetime) -> str:
    """One moment (aware) in that form."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def truth(text: str) -> bool:
    """A flag of a query: the generated client sends `True` and `False`, others `true` or `1`."""
    lowered = text.strip().lower()
    if lowered in TRUE or lowered in FALSE:
        return lowered in TRUE
    raise Malformed(f"{text[:40]!r} is neither true nor false")


def read_json(data: str | bytes) -> Any:
    """The value that JSON holds; half a surrogate pair, which no text can hold, becomes U+FFFD.

    Raises ValueError for what is not JSON, and for what is nested deeper than `DEEPEST`.
    """
    text = data if isinstance(data, str) else data.decode(json.detect_encoding(data))
    try:
        value = json.loads(LONE.sub(lambda found: r"\ufffd" if found[1] else found[0], text))
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error
    _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level: list[Any] = [[value]]
    for _ in range(DEEPEST + 1):
        items = (item for outer in level for item in (outer.values() if isinstance(outer, dict) else outer))
        level = [item for item in items if isinstance(item, dict | list)]
        if not level:
            return
    raise ValueError("JSON is nested too deeply")


@dataclass(frozen=True)
class RequestParameters:
    """A JSON object or a query string, read leniently: null counts as absent, unknown keys are ignored."""

    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, body: bytes) -> RequestParameters:
        """The object in a request body; an empty body is an empty object."""
        if not body.strip():
            return cls()
        try:
            document = read_json(body)
        except ValueError as error:
            raise Malformed(f"The body is not JSON, or nested deeper than {DEEPEST} levels") from error
        if not isinstance(document, dict):
            raise Malformed("The body is not a JSON object")
        return cls(document)

    def has(self, name: str) -> bool:
        """Whether a value was given."""
        return self.values.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A string; numbers are taken as they are written."""
        value = self._given(name, default)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Malformed(f"{name} must be a string")
        return str(value)

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number, also as text."""
        number = self.number(name, default)
        if number != int(number):
            raise Malformed(f"{name} must be a whole number")
        return int(number)

    def number(self, name: str, default: float | None = None) -> float:
        """A finite number, also as text, within what can be stored."""
        value = self._given(name, default)
        try:
            number = float(value) if isinstance(value, str | float) else int(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise Malformed(f"{name} must be a number") from error
        if abs(number) > LARGEST_INTEGER or not math.isfinite(number):  # isfinite fails on very long integers
            raise Malformed(f"{name} is out of range")
        return number

    def flag(self, name: str, default: bool | None = None) -> bool:
        """A truth value, also as text or 0/1."""
        return truth(str(self._given(name, default)))

    def mapping(self, name: str) -> dict[str, Any]:
        """An object; absent is empty."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, dict):
            raise Malformed(f"{name} must be an object")
        return value or {}

    def items(self, name: str) -> list[Any]:
        """A list; absent is empty."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, list):
            raise Malformed(f"{name} must be a list")
        return value or []

    def objects(self, name: str) -> list[RequestParameters]:
        """A list of objects; absent is empty."""
        values = self.items(name)
        if not all(isinstance(value, dict) for value in values):
            raise Malformed(f"{name} must be a list of objects")
        return [RequestParameters(value) for value in values]

    def parsed(self, name: str) -> Any:
        """A value that travels as JSON text in a query."""
        try:
            return read_json(self.text(name))
        except ValueError as error:
            raise Malformed(f"{name} must be JSON") from error

    def page(self, default_limit: int = 0) -> tuple[int, int]:
        """`limit` and `offset` of a list; limit 0 means everything."""
        limit, offset = self.integer("limit", default_limit), self.integer("offset", 0)
        if limit < 0 or offset < 0:
            raise Malformed("limit and offset must not be negative")
        return limit, offset

    def _given(self, name: str, default: Any) -> Any:
        value = self.values.get(name)
        if value is not None:
            return value
        if default is None:
            raise Malformed(f"{name} is missing")
        return default
