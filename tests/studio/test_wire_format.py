"""Times and JSON text on the wire."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.studio.wire_format import DEEPEST, now, read_json, stamp


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


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(VALUES, st.booleans())
@settings(max_examples=40)
def test_json_text_is_read_as_pythons_own_reader_does(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert read_json(text) == read_json(text.encode()) == value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_json_is_read_in_every_encoding_of_unicode(encoding: str) -> None:
    assert read_json('{"a": "größe 🎵"}'.encode(encoding)) == {"a": "größe 🎵"}


@pytest.mark.parametrize("text", ["", " ", "{", "[1,]", "{'a': 1}", "01", '{"a" 1}', b"\xff\xfe\xfd", b'"\xff"'])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        read_json(text)


def nested(levels: int, opening: str, closing: str) -> str:
    return opening * levels + "1" + closing * levels


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_is_accepted_up_to_the_limit(opening: str, closing: str) -> None:
    assert read_json(nested(DEEPEST, opening, closing)) is not None
    for levels in (DEEPEST + 1, 100_000):
        with pytest.raises(ValueError, match="JSON is nested too deeply"):
            read_json(nested(levels, opening, closing))


def test_many_values_on_one_level_are_no_nesting() -> None:
    assert len(read_json(json.dumps([[number] for number in range(5000)]))) == 5000
