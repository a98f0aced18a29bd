"""A setting: a field with its description and the values that it accepts, and the check of all of them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from dataclasses import field, fields, is_dataclass
from typing import Any, Literal

from ei_toolkit.config.ranges import Range, out_of_range
from ei_toolkit.errors import Fault, SettingsError

Level = Literal["none", "dc", "rms"]
"""What is evened out in each window: nothing, its mean, or its mean and its loudness."""
Allowed = Range | Collection[str]
"""The numbers, or the texts, that a setting accepts."""


def setting(default: Any, description: str, allowed: Allowed | None = None) -> Any:
    """A dataclass field with the sentence that the configuration reference prints, and the values that it accepts.

    A range of a list means that it is empty, or has two numbers of the range, the smaller one first.
    """
    return field(default=default, metadata={"description": description, "allowed": allowed})


def range_of(table: type, name: str) -> Range:
    """Return the range of a numeric setting of a table, such as `epochs` of TrainingSettings."""
    found = next(f.metadata["allowed"] for f in fields(table) if f.name == name)
    assert isinstance(found, Range)
    return found


SEEDS = Range(0, 2**32 - 1, whole=True)  # what NumPy and Keras accept
FRACTIONS = Range(0, 1)


def refused_values(node: Any, where: str = "") -> Iterator[Fault]:
    """Yield a fault for each value of a table that `setting` does not allow."""
    for f in fields(node):
        key, value, allowed = f"{where}.{f.name}".strip("."), getattr(node, f.name), f.metadata.get("allowed")
        if is_dataclass(value):
            yield from refused_values(value, key)
        elif isinstance(allowed, Range):
            yield from _outside(key, value, allowed)
        elif allowed is not None and value not in allowed:
            near = difflib.get_close_matches(str(value), allowed, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Set {key} to one of these."
            yield Fault(key, f"{key} = {value!r}: must be one of {', '.join(allowed)}", hint)


def _outside(key: str, value: Any, allowed: Range) -> Iterator[Fault]:
    if isinstance(value, tuple):
        if value and (len(value) != 2 or not all(each in allowed for each in value) or value[0] > value[1]):
            rule = f"must be two numbers, {allowed}, the smaller one first"
            yield Fault(key, f"{key} = {list(value)}: {rule}", "For example [5.0, 30.0]; [] stands for none.")
    elif value not in allowed:
        error = out_of_range(key, value, allowed)
        yield Fault(key, error.what, error.hint)


def check_settings(settings: Any, where: str = "") -> None:
    """Raise SettingsError for the values of all settings, or of the table `where`, that no command could use."""
    if faults := list(refused_values(settings, where)):
        raise SettingsError(faults)
