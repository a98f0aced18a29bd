from __future__ import annotations

import email.utils
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.client.retries import MAX_PAUSE_S, backoff, rate_limit_pause, retry_after


@given(tries=st.integers(1, 50))
def test_pauses_double_with_jitter_and_have_a_limit(tries: int) -> None:
    ceiling = min(8.0, 0.2 * 2 ** (tries - 1))
    assert ceiling / 2 <= backoff(tries) <= ceiling


@pytest.mark.parametrize(("value", "seconds"), [("0", 0), ("3", 3), ("-5", 0), ("99999", MAX_PAUSE_S), ("soon", 0)])
def test_retry_after_in_seconds(value: str, seconds: float) -> None:
    assert retry_after({"Retry-After": value}) == seconds


def test_retry_after_as_a_date() -> None:
    date = email.utils.formatdate(time.time() + 20, usegmt=True)
    assert 15 < retry_after({"Retry-After": date}) <= 20


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "4"}, 4),
        ({"RateLimit-Remaining": "3", "RateLimit-Reset": "4"}, 0),
        ({"RateLimit": '"default";r=0;t=9'}, 9),
        ({"RateLimit": "limit=10, remaining=0, reset=2"}, 2),
        ({"RateLimit": "nonsense"}, 0),
        ({}, 0),
    ],
)
def test_a_used_up_rate_limit_causes_a_pause(headers: dict[str, str], seconds: float) -> None:
    assert rate_limit_pause(headers) == seconds


@given(st.text())
def test_every_header_value_is_accepted(text: str) -> None:
    assert retry_after({"Retry-After": text}) >= 0
    assert rate_limit_pause({"RateLimit": text}) >= 0
