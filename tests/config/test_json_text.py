"""JSON that every reader accepts."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.config.json_text import json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda node: st.lists(node, max_size=4) | st.dictionaries(st.text(), node, max_size=4),
    max_leaves=10,
)


def with_null(value: Any) -> Any:
    """What a reader gets: None for a number that JSON does not have."""
    if isinstance(value, list):
        return [with_null(item) for item in value]
    if isinstance(value, dict):
        return {key: with_null(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


@given(VALUES, st.booleans())
def test_every_value_is_read_as_it_was_and_other_numbers_as_null(value: Any, compact: bool) -> None:
    assert json.loads(json_text(value, compact=compact), parse_constant=pytest.fail) == with_null(value)


def test_text_stays_readable_and_tuples_are_lists() -> None:
    assert json_text({"label": "größe 🎸", "pair": (1, float("nan"))}) == '{"label": "größe 🎸", "pair": [1, null]}'
    assert json_text({"a": [1, 2]}, compact=True) == '{"a":[1,2]}'
    assert json_text({"a": 1}, indent=1) == '{\n "a": 1\n}'


def test_what_is_no_json_is_an_error() -> None:
    with pytest.raises(TypeError):
        json_text({"a": {1, 2}})
