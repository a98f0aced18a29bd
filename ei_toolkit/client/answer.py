"""Keys never reach a message: they are cut out of every answer before it is read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ei_toolkit.errors import ApiError

MASK = "ei_***"
KEY_SHAPE = re.compile(r"\bei_[0-9A-Za-z]{16,}")  # what keys look like, whoever they belong to


def redact(text: str, key: str = "") -> str:
    """`text` without `key` and without anything that looks like an API key."""
    if key:
        text = text.replace(key, MASK)
    return KEY_SHAPE.sub(MASK, text)


REQUIRED: Any = object()


@dataclass(frozen=True)
class Answer:
    """One JSON object of an answer; `what` names it in errors. All readers raise ApiError for a wrong kind."""

    data: Mapping[str, Any]
    what: str

    def text(self, name: str, default: str = REQUIRED) -> str:
        """A string."""
        return str(self._value(name, str, default))

    def number(self, name: str, default: float = REQUIRED) -> float:
        """A number."""
        return float(self._value(name, (int, float), default))

    def integer(self, name: str, default: int = REQUIRED) -> int:
        """A whole number."""
        return int(self._value(name, (int, float), default))

    def flag(self, name: str, default: bool = REQUIRED) -> bool:
        """True or false."""
        return bool(self._value(name, bool, default))

    def object(self, name: str) -> Answer:
        """A nested object."""
        return Answer(self._value(name, Mapping, REQUIRED), f"{self.what}.{name}")

    def objects(self, name: str, default: Sequence[Any] = REQUIRED) -> list[Answer]:
        """A list of objects."""
        items = self._value(name, list, default)
        if not all(isinstance(item, Mapping) for item in items):
            raise self._wrong(name)
        return [Answer(item, f"{self.what}.{name}[{index}]") for index, item in enumerate(items)]

    def texts(self, name: str, default: Sequence[str] = REQUIRED) -> tuple[str, ...]:
        """A list of strings."""
        items = self._value(name, list, default)
        if not all(isinstance(item, str) for item in items):
            raise self._wrong(name)
        return tuple(items)

    def has(self, name: str) -> bool:
        """Whether a value is there and not null."""
        return self.data.get(name) is not None

    def _value(self, name: str, kind: Any, default: Any) -> Any:
        value = self.data.get(name)
        if value is None and default is not REQUIRED:
            return default
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self._wrong(name)
        return value

    def _wrong(self, name: str) -> ApiError:
        return ApiError(f"the studio's answer is not understood: {self.what} has no usable {name}")
