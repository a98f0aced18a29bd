"""A processing block: its parameters, its shape, its errors, its arithmetic and its tables for C++."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, get_type_hints

import numpy as np
import numpy.typing as npt

from ei_toolkit.config.ranges import PowersOfTwo, Range, out_of_range
from ei_toolkit.errors import ConfigurationError

Floats = npt.NDArray[np.float64]
Table = npt.NDArray[Any]
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
LONGEST_SHOWN = 60
Allowed = Range | PowersOfTwo
EVERY_NUMBER = Range()


def parameter(
    default: Any, title: str, help_text: str, *, group: str, hidden: bool = False, allowed: Allowed = EVERY_NUMBER
) -> Any:
    """Return a dataclass field for a parameter of a block, with its title, help text and group for a studio."""
    about = {"title": title, "help": help_text, "group": group, "hidden": hidden, "allowed": allowed}
    return field(default=default, metadata=about)


@dataclass(frozen=True)
class Parameter:
    """One parameter in the list of a studio; `type` is `int`, `float` or `boolean`."""

    name: str
    title: str
    type: str
    default: int | float | bool
    help: str
    group: str
    hidden: bool
    allowed: Allowed


@dataclass(frozen=True)
class BlockDescription:
    """The description of a block in a studio.

    `feature_names` are those of a block that has one row of features, which are no frames of a spectrum.
    """

    type: str
    title: str
    description: str
    versions: tuple[int, ...]
    parameters: tuple[Parameter, ...]
    feature_names: tuple[str, ...] = ()

    @property
    def latest_version(self) -> int:
        """The newest implementation version."""
        return self.versions[-1]


@dataclass(frozen=True)
class Block:
    """One processing block. `parameters` is a dataclass whose fields are made by `parameter`.

    `shape(n_samples, frequency, version, parameters)` gives (frames, bins) or raises ConfigurationError;
    `features(windows, frequency, version, parameters)` maps (n, samples) to (n, frames, bins), all float64;
    `tables(frequency, version, parameters)` gives the constants that generated C++ carries, made in float64.
    """

    type: str
    title: str
    description: str
    versions: tuple[int, ...]
    parameters: Callable[..., Any]
    shape: Callable[[int, float, int, Any], tuple[int, int]]
    features: Callable[[Floats, float, int, Any], Floats]
    tables: Callable[[float, int, Any], Mapping[str, Table]]
    feature_names: tuple[str, ...] = ()

    def describe(self) -> BlockDescription:
        """Return the description for a studio."""
        return BlockDescription(
            self.type, self.title, self.description, self.versions, self._parameters(), self.feature_names
        )

    def check_version(self, version: int) -> int:
        """Return the version as an int. Raises ConfigurationError for one that this block does not have."""
        if version not in self.versions:
            known = ", ".join(map(str, self.versions))
            raise ConfigurationError(
                f"the {self.type} block has no implementation version {shown(version)}", hint=f"Versions: {known}."
            )
        return int(version)

    def parse(self, values: Mapping[str, Any]) -> Any:
        """Convert parameters from numbers or from text, which the API has. Raises ConfigurationError."""
        known = {p.name: p for p in self._parameters()}
        for name in values:
            if name not in known:
                raise self._unknown(name, list(known))
        converted = {name: _convert(known[name], value) for name, value in values.items()}
        for name, value in converted.items():
            if known[name].type != "boolean" and value not in known[name].allowed:
                raise out_of_range(name, value, known[name].allowed)
        return self.parameters(**converted)

    def _parameters(self) -> tuple[Parameter, ...]:
        return _parameters_of(self.parameters)

    def _unknown(self, name: str, known: list[str]) -> ConfigurationError:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]}?" if near else "Parameters: " + ", ".join(known) + "."
        return ConfigurationError(f"the {self.type} block has no parameter {name!r}", hint=hint)


@cache
def _parameters_of(parameters: type[Any]) -> tuple[Parameter, ...]:
    hints = get_type_hints(parameters)
    names = {float: "float", int: "int", bool: "boolean"}
    made: tuple[Any, ...] = fields(parameters)
    return tuple(Parameter(name=f.name, type=names[hints[f.name]], default=f.default, **f.metadata) for f in made)


def shown(value: object) -> str:
    """Return a wrong value for an error message: its repr, shortened where it is long."""
    try:
        text = repr(value)
    except ValueError:  # an int of more than 4300 digits
        return "a very large number"
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def _convert(parameter: Parameter, value: object) -> int | float | bool:
    """Convert one value to the type of its parameter."""
    wrong = ConfigurationError(
        f"{parameter.name} = {shown(value)} is not a{'n' * (parameter.type == 'int')} {parameter.type}"
    )
    try:
        if parameter.type == "boolean":
            return BOOLEANS[str(value).lower()]
        number = float(value)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise wrong from None
    if not np.isfinite(number) or (parameter.type == "int" and not number.is_integer()):
        raise wrong
    return int(number) if parameter.type == "int" else number
