"""Times and numbers in the form of Edge Impulse's API."""

from __future__ import annotations

from datetime import UTC, datetime

LARGEST_INTEGER = 2**63 - 1  # of SQLite


def now() -> str:
    """Return the current time as Edge Impulse writes it, `2026-11-21T00:00:00.000Z`. Such texts sort by time."""
    return stamp(datetime.now(UTC))


def stamp(moment: datetime) -> str:
    """Return a time with a time zone in the same form."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
