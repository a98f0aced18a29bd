"""Answers of something that is not the studio, servers that accept and never answer, and keys with white space."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from ei_toolkit.cli import connection
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment
from ei_toolkit.client import transport as module
from ei_toolkit.client.endpoint import Endpoint, bare_key, checked_key, find_key
from ei_toolkit.client.responses import foreign_body
from ei_toolkit.client.transport import Transport
from ei_toolkit.client.upload.ingestion import BatchKey, Ingestion, Item, RetryableError
from ei_toolkit.config import load_config
from ei_toolkit.errors import ApiError, CredentialError, NetworkError

KEY = "ei_" + "5ecret" * 8
BATCH = BatchKey("training", "rock", ())
PROXY_PAGE = b"<!DOCTYPE html><html><head><title>\n Access denied\n</title></head><body>blocked</body></html>"
Page = tuple[int, str, bytes]


@pytest.fixture
def answering(serve: Callable[..., str]) -> Callable[[int, str, bytes], Endpoint]:
    """A server that gives one answer to every request."""

    def start(status: int, content_type: str, body: bytes) -> Endpoint:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        url = serve(Handler)
        return Endpoint(f"{url}/v1", url, KEY)

    return start


@pytest.fixture
def silent() -> Iterator[tuple[Endpoint, list[int]]]:
    """A server that accepts connections and never answers, and the number of connections that it has accepted."""
    listening = socket.create_server(("127.0.0.1", 0))
    accepted, kept = [0], []

    def accept() -> None:
        while True:
            try:
                kept.append(listening.accept())
            except OSError:
                return
            accepted[0] += 1

    threading.Thread(target=accept, daemon=True).start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    yield Endpoint(f"{url}/v1", url, KEY), accepted
    listening.close()
    for connected, _ in kept:
        connected.close()


@pytest.mark.parametrize(
    ("status", "content_type", "body", "shown"),
    [
        (403, "text/html", PROXY_PAGE, 'an HTML page with the title "Access denied"'),
        (401, "text/html", b"<html><body>sign in</body></html>", "an HTML page"),
        (200, "text/html", b"\n<html><title>Welcome to the network</title></html>", "Welcome to the network"),
        (407, "text/plain", b"proxy authentication required", 'the text "proxy authentication required"'),
        (404, "application/json", b"[1, 2]", 'the text "[1, 2]"'),
    ],
)
def test_an_answer_of_something_else_is_not_blamed_on_the_key(
    answering: Callable[..., Endpoint], status: int, content_type: str, body: bytes, shown: str
) -> None:
    with pytest.raises(ApiError, match="answered by something that is not the studio") as caught:
        Transport(answering(status, content_type, body)).get("/api/projects")
    assert shown in str(caught.value)
    assert f"HTTP {status} for /api/projects" in caught.value.why
    assert "proxy" in caught.value.hint


def test_a_gateway_that_fails_is_named_after_the_tries(
    answering: Callable[..., Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda _seconds: None)
    endpoint = answering(502, "text/html", b"<html><head><title>502 Bad Gateway</title></head></html>")
    with pytest.raises(ApiError, match='not the studio: an HTML page with the title "502 Bad Gateway"'):
        Transport(endpoint).get("/api/projects")


def test_a_page_in_place_of_a_file_is_not_stored(answering: Callable[..., Endpoint], tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="not the studio: an HTML page"):
        Transport(answering(200, "text/html", PROXY_PAGE)).download("/api/x", tmp_path / "x.zip", max_bytes=10_000)
    assert not (tmp_path / "x.zip").exists()


def test_the_reason_of_a_studio_is_still_the_reason(answering: Callable[..., Endpoint]) -> None:
    body = b'{"success": false, "error": "insufficient permissions (valid roles: [admin])"}'
    with pytest.raises(CredentialError, match="this key may not do that"):
        Transport(answering(403, "application/json", body)).get("/api/1/dsp")


@pytest.mark.parametrize(
    ("text", "shown"),
    [('{"success": true}', ""), ('{"success": tr', ""), ("", ""), ("\ufeff{}", ""), ("<p>", "an HTML page"),
     ("x" * 500, f'the text "{"x" * 80}"')],
)  # fmt: skip
def test_what_a_body_is_that_no_studio_sends(text: str, shown: str) -> None:
    assert foreign_body(text) == shown


@pytest.mark.parametrize("status", [200, 400, 403, 404])
def test_a_page_in_answer_to_an_upload_ends_it(answering: Callable[..., Endpoint], tmp_path: Path, status: int) -> None:
    with pytest.raises(ApiError, match='not the studio: an HTML page with the title "Access denied"'):
        Ingestion(answering(status, "text/html", PROXY_PAGE), 1).send(BATCH, [item()])


def test_a_gateway_that_fails_during_an_upload_is_tried_again(
    answering: Callable[..., Endpoint], tmp_path: Path
) -> None:
    sent = Ingestion(answering(502, "text/html", PROXY_PAGE), 1).send(BATCH, [item()])
    assert isinstance(sent, RetryableError)
    assert sent.kind == "throttled" and "not the studio" in sent.reason


def item() -> Item:
    return Item("a.wav", lambda: b"RIFF", "a40ff3d5900fb7698b8c865041347cb49eccedc8f93945f89629ad104aaecce4")


@pytest.fixture
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """A note is printed after 0.1 s, and a request ends after 0.4 s."""
    monkeypatch.setattr(module, "SLOW_S", 0.1)
    monkeypatch.setattr(module, "READ_TIMEOUT_S", 0.4)


@pytest.mark.usefixtures("short_times")
def test_a_server_that_never_answers_is_noted_and_ended_by_the_timeout_without_a_second_try(
    silent: tuple[Endpoint, list[int]],
) -> None:
    endpoint, accepted = silent
    shown: list[str] = []
    start = time.monotonic()
    with pytest.raises(NetworkError, match=r"no answer from http://127.*the response took too long"):
        Transport(endpoint, shown.append).get("/api/projects")
    assert 0.4 <= time.monotonic() - start < 2
    assert accepted == [1]
    assert shown == [f"no answer from {endpoint.api_url} for 0.1 s; waiting up to 0.4 s"]


@pytest.mark.usefixtures("short_times")
def test_slow_requests_of_an_upload_are_noted_once(
    silent: tuple[Endpoint, list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ei_toolkit.client.upload.ingestion.READ_TIMEOUT_S", 0.3)
    shown: list[str] = []
    ingestion = Ingestion(silent[0], 2, shown.append)
    for _ in range(2):
        sent = ingestion.send(BATCH, [item()])
        assert isinstance(sent, RetryableError) and sent.kind == "too_large"
    assert len(shown) == 1 and shown[0].endswith("waiting up to 0.3 s")


@pytest.mark.usefixtures("short_times")
def test_an_answer_in_time_is_not_commented_on(answering: Callable[..., Endpoint]) -> None:
    shown: list[str] = []
    Transport(answering(200, "application/json", b'{"success": true}'), shown.append).get("/api/projects")
    time.sleep(0.15)
    assert shown == []


def test_the_times_that_the_documentation_names() -> None:
    assert (module.SLOW_S, module.READ_TIMEOUT_S) == (5.0, 60.0)


@pytest.mark.parametrize("around", ["{}\n", "  {}\r\n", "\ufeff{}", "\ufeff {}\u200b\n"])
def test_white_space_around_a_key_is_removed_with_a_note(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, around: str
) -> None:
    environ = {"EI_API_KEY": around.format(KEY)}
    assert find_key("https://studio.example.com/v1", environ) == bare_key(environ["EI_API_KEY"]) == KEY
    monkeypatch.setattr("ei_toolkit.api.connection.open_studio", lambda transport: transport)
    console = Console(io.StringIO(), err := io.StringIO())
    remote = environ | {"EITK_STUDIO_URL": "https://studio.example.com/v1"}
    found = connection.connect(Environment(console, tmp_path, remote), load_config(tmp_path, remote))
    assert found.endpoint.key == KEY  # type: ignore[attr-defined]  # the transport, in place of the studio
    assert err.getvalue() == "white space around the key in EI_API_KEY was removed\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [(f'"{KEY}"', "quotation mark"), (f"{KEY}\n{KEY}", "white space inside"), ("ei_1", "one word"), ("", "one word")],
)
def test_a_text_that_is_no_key_is_an_error_that_does_not_show_it(text: str, why: str) -> None:
    with pytest.raises(CredentialError, match="not an API key") as caught:
        checked_key(text)
    assert why in caught.value.why and KEY not in str(caught.value)
