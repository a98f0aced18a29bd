"""JSON responses: numbers that JSON does not have, and text that UTF-8 cannot encode."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import Response

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.responses import answer, failure, json_response, stored_file


def document(response: Response) -> Any:
    return json.loads(bytes(response.body))


def test_a_success_has_its_fields_beside_success() -> None:
    response = answer({"id": 7})
    assert (response.status_code, response.media_type) == (200, "application/json")
    assert document(response) == {"success": True, "id": 7}
    assert document(answer()) == {"success": True}


def test_a_failure_has_its_message_and_status() -> None:
    response = failure("it does not exist", 404)
    assert response.status_code == 404
    assert document(response) == {"success": False, "error": "it does not exist"}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_have_becomes_null_wherever_it_is(number: float) -> None:
    sent = {"loss": number, "curve": [0.5, number], "by label": {"rock": (number, 1)}, "count": 3}
    found = document(json_response(sent))
    assert found == {"loss": None, "curve": [0.5, None], "by label": {"rock": [None, 1]}, "count": 3}


def test_text_is_sent_as_utf_8_and_half_a_surrogate_pair_is_replaced() -> None:
    response = json_response({"label": "Grüße 🎵"})
    assert "Grüße 🎵".encode() in bytes(response.body)
    assert document(json_response({"label": "a\ud800b"})) == {"label": "a?b"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
@settings(max_examples=25)
def test_every_other_document_is_read_as_it_was_sent(sent: dict[str, Any]) -> None:
    assert document(json_response(sent)) == sent


@given(st.dictionaries(st.text(max_size=5), st.floats(), max_size=4))
def test_any_float_gives_json_that_a_strict_reader_accepts(sent: dict[str, float]) -> None:
    def reject(constant: str) -> Any:
        raise AssertionError(f"{constant} is not JSON")

    json.loads(bytes(json_response(sent).body), parse_constant=reject)


def test_a_file_that_is_deleted_while_it_is_sent_is_sent_whole(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    (tmp_path / "x").write_bytes(content)
    response = stored_file(tmp_path / "x", "application/zip", {"X-Name": "x"})
    (tmp_path / "x").unlink()

    async def body() -> bytes:
        return b"".join([chunk async for chunk in response.body_iterator])  # type: ignore[attr-defined]

    assert asyncio.run(body()) == content
    assert (response.headers["content-length"], response.headers["x-name"]) == (str(len(content)), "x")


def test_a_file_that_was_deleted_before_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="deleted in the meantime"):
        stored_file(tmp_path / "x", "application/zip")
