"""A row of numbers as a row of bars, for places where only text can stand."""

from __future__ import annotations

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], low: float = 0.0, high: float = 1.0) -> str:
    """One bar a value; what lies outside `low` to `high` is drawn at the edge."""
    span = (high - low) or 1.0
    places = (round((min(max(value, low), high) - low) / span * (len(BARS) - 1)) for value in values)
    return "".join(BARS[place] for place in places)
