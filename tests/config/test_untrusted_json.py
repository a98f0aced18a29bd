"""JSON of servers, files and boards: the values of Python's parser, without what would stop the program."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.config.untrusted_json import DEEPEST, read_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["\\ud800", "\\\\u", "🎵", "\ufffd"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_valid_json_has_the_values_of_pythons_parser(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert read_json(text) == value
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-le", "utf-32-be"):
        assert read_json(text.encode(encoding)) == value


@given(st.text(max_size=6))
def test_every_text_of_the_result_can_be_encoded(text: str) -> None:
    repr(read_json(json.dumps({text: [text]}))).encode()


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (r"\ud83c\udfb5", "🎵"),
        (r"\uD83C\uDFB5", "🎵"),
        (r"a\ud83c", "a\ufffd"),
        (r"\udfb5b", "\ufffdb"),
        (r"\ud83c\ud83c\udfb5", "\ufffd🎵"),
        (r"\ud83cx\udfb5", "\ufffdx\ufffd"),
        (r"\\ud83c", r"\ud83c"),
        (r"\\\ud83c", "\\\ufffd"),
        (r"\u00e9", "é"),
    ],
)
def test_half_a_pair_is_replaced_and_a_pair_or_an_escaped_backslash_is_not(escaped: str, text: str) -> None:
    assert read_json(f'"{escaped}"') == text


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_nesting_has_a_limit(opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    inner = "[]" if opening == "[" else "{}"

    def nested(levels: int) -> str:
        return opening * (levels - 1) + inner + closing * (levels - 1)

    read_json(nested(DEEPEST))
    for levels in (DEEPEST + 1, 10_000, 100_000):
        with pytest.raises(ValueError, match="JSON is nested too deeply"):
            read_json(nested(levels))


@pytest.mark.parametrize(
    "data", ["", " ", "{", "[1,]", "01", '{"a" 1}', "nul", b"\xff\xfe\xfd", b'"\xff"', "1 2", "{'a': 1}"]
)
def test_what_is_no_json_is_a_value_error(data: str | bytes) -> None:
    with pytest.raises(ValueError):
        read_json(data)


def test_many_values_on_one_level_are_no_nesting() -> None:
    assert len(read_json(json.dumps([[number] for number in range(5000)]))) == 5000
