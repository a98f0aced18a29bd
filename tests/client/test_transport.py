"""Requests to a small server that sends scripted responses: errors, retries, limits, and the key."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.client import transport as transport_module
from ei_toolkit.client.endpoint import Endpoint
from ei_toolkit.client.retries import TRIES
from ei_toolkit.client.transport import Transport
from ei_toolkit.errors import ApiError, CredentialError, NetworkError

KEY = "ei_" + "5ecret" * 8
Scripted = tuple[int, bytes, dict[str, str]]


class Script:
    """The responses in order, the last one repeated, and the requests that were received."""

    def __init__(self, *responses: Scripted) -> None:
        self.responses = list(responses)
        self.seen: list[tuple[str, str, bytes]] = []

    def handler(self) -> type[BaseHTTPRequestHandler]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                script.seen.append((self.command, self.path, body))
                status, answer, headers = script.responses.pop(0) if len(script.responses) > 1 else script.responses[0]
                self.send_response(status)
                declared = headers.get("Content-Length", str(len(answer)))
                for name, value in {"Content-Type": "application/json", "Content-Length": declared, **headers}.items():
                    self.send_header(name, value)
                self.send_header("Connection", "close")  # else the next request races with the closing
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_DELETE = do_GET

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def scripted(
    serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Transport, Script, list[float]]]:
    """A transport to a server that follows a script, and the pauses between its requests."""

    def start(*responses: Scripted) -> tuple[Transport, Script, list[float]]:
        script, pauses = Script(*responses), list[float]()
        url = serve(script.handler())
        monkeypatch.setattr("urllib3.util.retry.time.sleep", pauses.append)  # the transport calls the same function
        return Transport(Endpoint(f"{url}/v1", url, KEY)), script, pauses

    return start


def ok(**data: Any) -> Scripted:
    return 200, json.dumps({"success": True, **data}).encode(), {}


def test_a_response_without_success_is_an_error_with_the_message_of_the_studio(scripted: Any) -> None:
    transport, _, _ = scripted((200, b'{"success":false,"error":"No such block"}', {}))
    with pytest.raises(ApiError, match="No such block"):
        transport.get("/api/1/dsp/99")


@pytest.mark.parametrize("body", [b"", b"[]", b'"text"', b"<html>hello</html>", b'{"nothing": 1}', b"\xff\xfe"])
def test_a_response_that_is_not_one_of_a_studio_is_an_error(scripted: Any, body: bytes) -> None:
    transport, _, _ = scripted((200, body, {}))
    with pytest.raises(ApiError):
        transport.get("/api/projects")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_retryable_status_is_retried(scripted: Any, status: int) -> None:
    transport, script, pauses = scripted((status, b"{}", {}), ok(id=1))
    assert transport.get("/api/x")["id"] == 1
    assert len(script.seen) == 2
    assert len(pauses) == 1


def test_retry_after_is_honoured(scripted: Any) -> None:
    transport, _, pauses = scripted((429, b"{}", {"Retry-After": "7"}), ok())
    transport.get("/api/x")
    assert pauses == [7.0]


def test_a_request_that_may_have_had_an_effect_is_not_repeated(scripted: Any) -> None:
    transport, script, _ = scripted((500, b'{"success":false,"error":"oh"}', {}), ok())
    with pytest.raises(ApiError, match="oh"):
        transport.post("/api/1/jobs/retrain")
    assert len(script.seen) == 1


def test_an_incomplete_response_is_requested_again(scripted: Any) -> None:
    cut = b'{"success":true,"samples":[{"id":1'
    transport, script, _ = scripted((200, cut, {}), (200, cut, {"Content-Length": "500"}), ok(id=3))
    assert transport.get("/api/x")["id"] == 3
    assert len(script.seen) == 3


@pytest.mark.parametrize("status", [429, 503])
def test_a_request_that_the_server_has_not_begun_is_repeated(scripted: Any, status: int) -> None:
    transport, script, _ = scripted((status, b"{}", {}), ok(id=5))
    assert transport.post("/api/1/jobs/retrain")["id"] == 5
    assert len(script.seen) == 2


@pytest.mark.parametrize("value", ["soon", "", "-3", "1e999"])
def test_a_malformed_retry_after_does_not_prevent_the_retry(scripted: Any, value: str) -> None:
    transport, script, _ = scripted((503, b"{}", {"Retry-After": value}), ok())
    transport.get("/api/x")
    assert len(script.seen) == 2


def test_pauses_grow_between_the_tries(scripted: Any) -> None:
    transport, _, pauses = scripted((502, b"{}", {}))
    with pytest.raises(ApiError, match="HTTP 502"):
        transport.get("/api/x")
    assert len(pauses) == TRIES - 1
    assert pauses[0] <= 0.2 and 0.4 <= pauses[2] <= 0.8


def test_the_number_of_tries_is_limited(scripted: Any) -> None:
    transport, script, _ = scripted((503, b"{}", {}))
    with pytest.raises(ApiError, match="HTTP 503"):
        transport.get("/api/x")
    assert len(script.seen) == TRIES


@pytest.mark.parametrize(
    "answer",
    [(401, b"{}", {}), (403, b"{}", {}), (200, b'{"success":false,"error":"Invalid API key"}', {}),
     (200, b'{"success":false,"error":"insufficient permissions (valid roles: [admin])"}', {})],
)  # fmt: skip
def test_a_rejected_key_has_a_hint(scripted: Any, answer: Scripted) -> None:
    transport, _, _ = scripted(answer)
    with pytest.raises(CredentialError) as caught:
        transport.get("/api/x")
    assert caught.value.hint


def test_the_key_is_masked_in_messages_of_the_server(scripted: Any) -> None:
    transport, _, _ = scripted((200, json.dumps({"success": False, "error": f"bad key {KEY} used"}).encode(), {}))
    with pytest.raises(ApiError) as caught:
        transport.get("/api/x")
    assert KEY not in str(caught.value)
    assert "ei_***" in str(caught.value)


def test_a_redirect_is_not_followed_with_the_key(scripted: Any) -> None:
    transport, script, _ = scripted((302, b"", {"Location": "http://127.0.0.1:9/steal"}))
    with pytest.raises(ApiError, match="redirects"):
        transport.get("/api/x")
    assert len(script.seen) == 1


def test_no_server_at_the_address_is_an_error_within_seconds() -> None:
    start = time.monotonic()
    with pytest.raises(NetworkError, match="no answer"):
        Transport(Endpoint("http://127.0.0.1:9/v1", "", KEY)).get("/api/projects")
    assert time.monotonic() - start < 4


def test_a_download_that_is_too_large_leaves_nothing(scripted: Any, tmp_path: Path) -> None:
    transport, _, _ = scripted((200, b"x" * 5000, {"Content-Type": "application/zip"}))
    with pytest.raises(ApiError, match="larger"):
        transport.download("/api/x", tmp_path / "x.zip", max_bytes=1000)
    assert not (tmp_path / "x.zip").exists()


def test_json_instead_of_a_file_is_an_error(scripted: Any, tmp_path: Path) -> None:
    transport, _, _ = scripted((200, b'{"success":false,"error":"no build"}', {}))
    with pytest.raises(ApiError, match="no build"):
        transport.download("/api/x", tmp_path / "x.zip", max_bytes=1000)


def test_the_endpoint_does_not_show_its_key() -> None:
    assert KEY not in repr(Endpoint("http://127.0.0.1/v1", "", KEY))


def test_all_requests_of_a_command_share_one_retry_budget(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "RETRY_BUDGET", 6)
    unavailable = (503, b'{"success":false,"error":"busy"}', {})
    cut_off = (200, b'{"success":true,', {})
    responses = [*[unavailable] * 4, *[cut_off] * 2, unavailable]
    transport, script, _ = scripted(*responses, ok(), unavailable)
    counts = []
    for _ in range(3):
        before = len(script.seen)
        with pytest.raises(ApiError):
            transport.get("/api/projects")
        counts.append(len(script.seen) - before)
    assert counts == [TRIES, 2, 1]
    transport.get("/api/projects")
    with pytest.raises(ApiError):
        transport.post("/api/projects/create", {}, repeatable=True)
    assert len(script.seen) == sum(counts) + 1 + 1  # a success allows the next failure, and no repetition of it
