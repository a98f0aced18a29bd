"""When a request is repeated: which failures, how often, after which pause, and how often in one command."""

from __future__ import annotations

import email.utils
import random
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

import urllib3
from urllib3.exceptions import ReadTimeoutError

TRIES = 4
RETRY_BUDGET = 100  # failed requests of one command that successful ones do not outnumber, before none is repeated
MAX_PAUSE_S = 120.0  # a longer Retry-After is shortened to this
RETRYABLE_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
NOT_STARTED_STATUS = frozenset({429, 503})  # the server has not begun to process the request

RATE_LIMIT = re.compile(r"\b(r|remaining|t|reset)\s*=\s*(\d+)")


class RetryBudget:
    """The number of failed requests of one command that may be repeated. Safe to use from several threads."""

    def __init__(self, size: int) -> None:
        self._size = self._left = size
        self._lock = threading.Lock()

    def spend(self) -> bool:
        """Count a failed request; return whether it may be repeated."""
        with self._lock:
            self._left = max(self._left - 1, 0)
            return self._left > 0

    def earn(self) -> None:
        """Count a request that succeeded: one failed request more may be repeated, up to the size of the budget."""
        with self._lock:
            self._left = min(self._left + 1, self._size)


class RetryPolicy(urllib3.Retry):
    """The retries of urllib3 with the pauses and the budget of this module, which uploads use as well."""

    budget = RetryBudget(RETRY_BUDGET)

    @classmethod
    def for_requests(cls, budget: RetryBudget, *, repeatable: bool) -> RetryPolicy:
        """Return the policy of a request. One that is not `repeatable` is repeated only if it cannot have any effect:
        where there was no connection, or the server has not begun to process it.
        """
        policy = cls(
            total=TRIES - 1,
            read=None if repeatable else False,
            other=0,
            allowed_methods=None,  # all: POST requests are repeatable as well, if the caller allows it
            status_forcelist=RETRYABLE_STATUS if repeatable else NOT_STARTED_STATUS,
            raise_on_status=False,  # the response has the reason
        )
        policy.budget = budget
        return policy

    def new(self, **options: Any) -> RetryPolicy:
        """Return a copy with other options, and the same budget."""
        policy = super().new(**options)
        policy.budget = self.budget
        return policy

    def increment(self, method: str | None = None, url: str | None = None, *args: Any, **options: Any) -> RetryPolicy:
        """Count a failed try. A server that accepts requests and does not answer is not asked again."""
        if isinstance(error := options.get("error"), ReadTimeoutError):
            raise error
        counted = self if self.budget.spend() else self.new(total=0)
        return super(RetryPolicy, counted).increment(method, url, *args, **options)

    def get_backoff_time(self) -> float:
        """Return the seconds to wait before the next try."""
        return backoff(len(self.history)) if self.history else 0.0

    def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
        """Return the seconds that the server asks for; None if it does not. Urllib3 raises for a malformed value."""
        return retry_after(response.headers) or None


def backoff(tries: int, *, first_s: float = 0.2, max_s: float = 8.0) -> float:
    """Return the seconds to wait after failure number `tries` (1, 2, …): doubled each time, half of it random."""
    ceiling = min(max_s, first_s * 2.0 ** (tries - 1))
    return ceiling * (0.5 + random.random() / 2)


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that `Retry-After` (a number or a date) asks for, at most MAX_PAUSE_S; 0 if there is none."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        date = http_date(value)
        seconds = 0.0 if date is None else date - time.time()
    return min(seconds, MAX_PAUSE_S) if seconds > 0 else 0.0  # also for nan


def http_date(value: str) -> float | None:
    """Return the date of a header in seconds since 1970; None where it is not a date."""
    try:
        return email.utils.parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


def rate_limit_pause(headers: Mapping[str, str]) -> float:
    """Return the seconds to wait because the rate limit is used up, at most MAX_PAUSE_S; 0 otherwise.

    Reads `RateLimit-Remaining`/`RateLimit-Reset` and the single `RateLimit` field of the later IETF drafts.
    """
    remaining = headers.get("RateLimit-Remaining")
    reset = headers.get("RateLimit-Reset")
    if remaining is None:
        found = dict(RATE_LIMIT.findall(headers.get("RateLimit", "")))
        remaining, reset = found.get("r", found.get("remaining")), found.get("t", found.get("reset"))
    if remaining is None or reset is None or not (remaining.isdigit() and reset.isdigit()) or int(remaining) > 0:
        return 0.0
    return min(float(reset), MAX_PAUSE_S)
