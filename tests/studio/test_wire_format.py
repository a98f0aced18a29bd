"""Times on the wire."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.studio.wire_format import now, stamp


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 678_999, UTC), "2026-01-02T03:04:05.678Z"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00.000Z"),
        (datetime(2026, 1, 1, 23, tzinfo=timezone(timedelta(hours=-5))), "2026-01-02T04:00:00.000Z"),
        (datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=5, minutes=45))), "2025-12-31T19:45:00.000Z"),
    ],
)
def test_a_time_is_written_in_utc_with_milliseconds(moment: datetime, text: str) -> None:
    assert stamp(moment) == text


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1)), st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1))
)
def test_written_times_sort_as_the_times_themselves(one: datetime, two: datetime) -> None:
    one, two = (moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC) for moment in (one, two))
    assert (stamp(one) < stamp(two)) == (one < two)
    assert datetime.fromisoformat(stamp(one)) == one


def test_the_present_time_has_the_same_form() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", now())
    assert abs(datetime.fromisoformat(now()) - datetime.now(UTC)) < timedelta(seconds=5)
