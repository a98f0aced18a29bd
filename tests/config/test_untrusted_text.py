"""Text of others has no control characters when it is shown, and is otherwise the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.config.json_text import json_text
from ei_toolkit.config.untrusted_text import UNSAFE, printable, printable_json, printable_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bcreset", "reset"),
        ("\x9b31mC1", "\ufffd31mC1"),
        ("gpj.\u202eexe", "gpj.\ufffdexe"),
        ("\u2066isolated\u2069", "\ufffdisolated\ufffd"),
        ("10%\b\b\b20%", "10%20%"),
        ("one\r\ntwo\rthree\tfour", "one\ntwo\ufffdthree\tfour"),
        ("\ud800", "\ufffd"),
        ("früh 日本 👩\u200d🎤 שלום", "früh 日本 👩\u200d🎤 שלום"),
    ],
)
def test_what_a_terminal_would_interpret_is_removed_or_replaced(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters(max_codepoint=0x2100) | st.sampled_from("\x1b[]m;\x07\x9c"), max_size=40))
def test_no_text_keeps_an_unsafe_character(text: str) -> None:
    assert not UNSAFE.search(printable(text))
    assert printable(printable(text)) == printable(text)
    assert "\n" not in printable_line(text)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]))
    )
)
def test_json_has_the_same_data(data: dict[str, str]) -> None:
    text = printable_json(json_text(data))
    assert json.loads(text) == data
    assert not UNSAFE.search(text)
