"""What the transport sends, and how it reads text, files and errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.client import transport as transport_module
from ei_toolkit.client.official import official
from ei_toolkit.client.responses import MASK, Response, redact
from ei_toolkit.client.retries import http_date, retry_after
from ei_toolkit.client.transport import error_of_response
from ei_toolkit.errors import ApiError, CredentialError

ZIP = {"Content-Type": "application/zip"}


class Named(Response, frozen=True):
    """A response with one required field."""

    name: str


def test_every_request_has_the_key_and_asks_for_json(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/x"] = {}
    transport = scripted_studio.studio.transport
    for send in (transport.get, transport.post, transport.delete):
        send("/api/x")
    assert scripted_studio.requests() == ["GET /api/x", "POST /api/x", "DELETE /api/x"]
    for request in scripted_studio.seen:
        assert request.headers["x-api-key"] == transport.endpoint.key
        assert request.headers["Accept"] == "application/json"
        assert request.headers["User-Agent"] == "eitk"


def test_a_query_has_lower_case_booleans_and_no_missing_values(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/x"] = {}
    scripted_studio.studio.transport.get(
        "/api/x", limit=5, excludeSensors=True, all=False, name="a&b=ü", impulseId=None
    )
    assert scripted_studio.seen[0].query == {"limit": "5", "excludeSensors": "true", "all": "false", "name": "a&b=ü"}


def test_a_request_class_is_sent_without_fields_that_were_never_set(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/x"] = {}
    scripted_studio.studio.transport.post("/api/x", official("EditSampleLabelRequest")(label="größe"))
    scripted_studio.studio.transport.post("/api/x", {"plain": None})
    scripted_studio.studio.transport.post("/api/x")
    assert [request.json for request in scripted_studio.seen] == [{"label": "größe"}, {"plain": None}, None]


def test_a_response_of_another_form_names_the_path(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/x"] = [{"name": "ok"}, {"name": 5}]
    transport = scripted_studio.studio.transport
    assert transport.read("/api/x", Named) == Named("ok")
    with pytest.raises(ApiError, match="the response for /api/x is not valid"):
        transport.read("/api/x", Named)


def test_a_key_in_any_value_of_a_response_is_masked(scripted_studio: Any) -> None:
    key = scripted_studio.studio.transport.endpoint.key
    scripted_studio.answers["/api/x"] = {"deep": [{"apiKey": key, "other": "ei_" + "0123456789abcdef" * 3}]}
    assert scripted_studio.studio.transport.get("/api/x")["deep"] == [{"apiKey": MASK, "other": MASK}]


@given(st.text(max_size=40), st.text("0123456789abcdef", min_size=16, max_size=48))
def test_no_text_around_a_key_prevents_its_mask(around: str, secret: str) -> None:
    key = f"ei_{secret}"
    assert key not in redact(f"{around} {key} {around}", key)
    assert MASK in redact(f"{around} {key} {around}", "")


def test_text_is_decoded_whatever_it_contains(scripted_studio: Any) -> None:
    transport = scripted_studio.studio.transport
    scripted_studio.answers["/api/log"] = (200, "größe 🎸\n".encode() + b"\xff", {"Content-Type": "text/plain"})
    assert transport.text("/api/log") == "größe 🎸\n\ufffd"


def test_a_key_in_a_log_is_masked(scripted_studio: Any) -> None:
    key = scripted_studio.studio.transport.endpoint.key
    scripted_studio.answers["/api/log"] = (200, f"uses {key}".encode(), {"Content-Type": "text/plain"})
    assert scripted_studio.studio.transport.text("/api/log") == f"uses {MASK}"


def test_a_text_that_is_an_error_is_not_shown_as_the_text(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/log"] = (404, b"", {"Content-Type": "text/plain"})
    with pytest.raises(ApiError, match="the studio answered HTTP 404") as caught:
        scripted_studio.studio.transport.text("/api/log")
    assert caught.value.why == "requested /api/log"


def test_a_download_makes_its_folder_and_returns_the_headers(scripted_studio: Any, tmp_path: Path) -> None:
    scripted_studio.answers["/api/zip"] = (200, b"content", {**ZIP, "X-Name": "a"})
    file = tmp_path / "new" / "folder" / "a.zip"
    headers = scripted_studio.studio.transport.download("/api/zip", file, max_bytes=7)
    assert (file.read_bytes(), headers["X-Name"]) == (b"content", "a")


def test_a_download_of_exactly_the_largest_size_is_accepted_and_one_byte_more_is_not(
    scripted_studio: Any, tmp_path: Path
) -> None:
    scripted_studio.answers["/api/zip"] = (200, b"12345678", ZIP)
    transport = scripted_studio.studio.transport
    transport.download("/api/zip", tmp_path / "a", max_bytes=8)
    with pytest.raises(ApiError, match="the response is larger than 0 MiB"):
        transport.download("/api/zip", tmp_path / "b", max_bytes=7)
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_failed_download_keeps_the_file_that_was_there(scripted_studio: Any, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"older")
    for answer in ((200, b"x" * 100, ZIP), {"success": False, "error": "no build"}, (404, b"", ZIP)):
        scripted_studio.answers["/api/zip"] = answer
        with pytest.raises(ApiError):
            scripted_studio.studio.transport.download("/api/zip", tmp_path / "a.zip", max_bytes=10)
    assert (tmp_path / "a.zip").read_bytes() == b"older"


def test_an_incomplete_download_is_requested_again(
    scripted_studio: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda _: None)
    cut = (200, b"1234", {**ZIP, "Content-Length": "8", "Connection": "close"})
    scripted_studio.answers["/api/zip"] = [cut, cut, (200, b"12345678", ZIP)]
    scripted_studio.studio.transport.download("/api/zip", tmp_path / "a", max_bytes=100)
    assert (tmp_path / "a").read_bytes() == b"12345678"
    assert len(scripted_studio.seen) == 3


def test_a_response_larger_than_the_limit_is_not_read(scripted_studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "MAX_RESPONSE_BYTES", 50)
    scripted_studio.answers["/api/x"] = {"text": "x" * 100}
    with pytest.raises(ApiError, match="the response is larger than") as caught:
        scripted_studio.studio.transport.get("/api/x")
    assert caught.value.hint == "Check studio.url"


def test_an_error_text_of_any_length_is_read_up_to_a_limit(scripted_studio: Any) -> None:
    body = json.dumps({"success": False, "error": "x" * transport_module.MAX_ERROR_BYTES * 4}).encode()
    scripted_studio.answers["/api/zip"] = (404, body, {})
    with pytest.raises(ApiError) as caught:
        scripted_studio.studio.transport.download("/api/zip", Path("never written"), max_bytes=10)
    assert len(str(caught.value)) < transport_module.MAX_ERROR_BYTES * 2


@pytest.mark.parametrize(
    ("status", "message", "kind", "what"),
    [
        (403, "", CredentialError, "this key may not do that"),
        (200, "insufficient permissions (valid roles: [admin])", CredentialError, "this key may not do that"),
        (401, "", CredentialError, "the studio does not accept the key"),
        (200, "Invalid API key", CredentialError, "the studio does not accept the key"),
        (200, "No API key given", CredentialError, "the studio does not accept the key"),
        (302, "", ApiError, "the studio redirects elsewhere"),
        (200, "", ApiError, "the response for /api/x is not one of a studio"),
        (500, "", ApiError, "the studio answered HTTP 500"),
        (404, "No such block", ApiError, "No such block"),
        (200, "There is no keyword block", ApiError, "There is no keyword block"),
    ],
)
def test_an_error_is_named_after_its_status_and_its_message(
    status: int, message: str, kind: type[Exception], what: str
) -> None:
    error = error_of_response(status, message, "/api/x")
    assert type(error) is kind
    assert error.what == what
    assert message in str(error)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("Thu, 01 Jan 1970 00:01:40 GMT", 100.0), ("Thu, 01 Jan 1970 01:00:00 +0100", 0.0), ("soon", None), ("", None),
     ("Mon, 99 Jan 2026 00:00:00 GMT", None)],
)  # fmt: skip
def test_a_date_of_a_header(text: str, seconds: float | None) -> None:
    assert http_date(text) == seconds


def test_a_date_in_the_past_asks_for_no_pause() -> None:
    assert retry_after({"Retry-After": "Thu, 01 Jan 1970 00:01:40 GMT"}) == 0.0
    assert retry_after({"Retry-After": "nan"}) == 0.0


@pytest.mark.parametrize("depth", [500, 100_000])
def test_a_response_that_is_nested_too_deeply_is_an_error(scripted_studio: Any, depth: int) -> None:
    body = b'{"success": true, "a": ' + b"[" * depth + b"]" * depth + b"}"
    scripted_studio.answers["/api/x"] = (200, body, {})
    with pytest.raises(ApiError, match="the response for /api/x is not valid") as caught:
        scripted_studio.studio.transport.read("/api/x", Named)
    assert caught.value.why == "JSON is nested too deeply"
    assert len(scripted_studio.seen) == 1
