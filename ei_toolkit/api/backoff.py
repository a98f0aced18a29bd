"""How long to wait before asking again: exponential with jitter, and what the server says about it."""

from __future__ import annotations

import email.utils
import random
import re
import time
from collections.abc import Mapping

RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST_PAUSE_S = 120.0  # a server that asks for more is taken at its word up to here
RATE_LIMIT = re.compile(r"\b(r|remaining|t|reset)\s*=\s*(\d+)")


def backoff(tries: int, *, first: float = 0.2, longest: float = 8.0) -> float:
    """Seconds to wait after the `tries`-th failure (1, 2, …): doubling, half of it random."""
    ceiling = min(longest, first * 2.0 ** (tries - 1))
    return ceiling * (0.5 + random.random() / 2)


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that `Retry-After` (a number or a date) asks for; 0 where it asks for nothing."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value)
    return min(max(seconds, 0.0), LONGEST_PAUSE_S)


def rate_limit_pause(headers: Mapping[str, str]) -> float:
    """Seconds to hold back because the answer says that the allowance is used up; 0 otherwise.

    Reads `RateLimit-Remaining`/`RateLimit-Reset` and the single `RateLimit` field of the later IETF drafts.
    """
    remaining = headers.get("RateLimit-Remaining")
    reset = headers.get("RateLimit-Reset")
    if remaining is None:
        found = dict(RATE_LIMIT.findall(headers.get("RateLimit", "")))
        remaining, reset = found.get("r", found.get("remaining")), found.get("t", found.get("reset"))
    if remaining is None or reset is None or not (remaining.isdigit() and reset.isdigit()) or int(remaining) > 0:
        return 0.0
    return min(float(reset), LONGEST_PAUSE_S)


def _until(date: str) -> float:
    try:
        return email.utils.parsedate_to_datetime(date).timestamp() - time.time()
    except ValueError:
        return 0.0
