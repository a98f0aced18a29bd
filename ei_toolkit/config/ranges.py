"""The numbers that a setting or a parameter accepts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ei_toolkit.errors import ConfigurationError


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; `above` and `below` exclude the limits, `whole` excludes fractions."""

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False
    whole: bool = False

    def __contains__(self, value: object) -> bool:
        return not isinstance(value, bool) and isinstance(value, (int, float)) and not self.requirement(value)

    def __str__(self) -> str:
        if self.whole and math.isfinite(self.low) and math.isfinite(self.high):
            return f"a whole number from {self.low} to {self.high}"
        low = [self._lowest] if math.isfinite(self.low) else []
        high = [self._highest] if math.isfinite(self.high) else []
        return ("a whole number of " if self.whole else "") + " and ".join([*low, *high])

    def requirement(self, value: float) -> str:
        """Return what `value` violates, such as `at least 1`; empty for a number of the range."""
        if not (self.low < value if self.above else self.low <= value):
            return self._lowest
        if not (value < self.high if self.below else value <= self.high):
            return self._highest
        return "a whole number" if self.whole and not (isinstance(value, int) or value.is_integer()) else ""

    @property
    def _lowest(self) -> str:
        return f"{'above' if self.above else 'at least'} {_short(self.low)}"

    @property
    def _highest(self) -> str:
        return f"{'below' if self.below else 'at most'} {_short(self.high)}"


@dataclass(frozen=True)
class PowersOfTwo:
    """The powers of two from 2 to `high`."""

    high: int

    def __contains__(self, value: object) -> bool:
        return value in self.values

    def __str__(self) -> str:
        return f"a power of two from 2 to {self.high}"

    @property
    def values(self) -> list[int]:
        """All of them, the smallest first."""
        return [2**exponent for exponent in range(1, self.high.bit_length())]

    def requirement(self, value: float) -> str:
        """Return what `value` violates; empty for a power of two of the range."""
        return "" if value in self else str(self)

    def nearest(self, value: float) -> int:
        """Return the power of two of the range whose logarithm is nearest."""
        return 1 << round(math.log2(min(max(2, value), self.high)))


def _short(limit: float) -> str:
    return str(limit) if isinstance(limit, int) else f"{limit:g}"


def out_of_range(key: str, value: float, allowed: Range | PowersOfTwo) -> ConfigurationError:
    """Return the error for the value of a setting that is not in its range."""
    correct = f"= {allowed.nearest(value)}" if isinstance(allowed, PowersOfTwo) else f"to {allowed}"
    return ConfigurationError(
        f"{key} = {value}: must be {allowed.requirement(value)}", hint=f"Set {key} {correct}.", key=key
    )
