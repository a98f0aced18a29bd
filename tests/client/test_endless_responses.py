"""Servers whose responses never end: interim responses, slow headers, slow bodies, and bodies without a limit."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ei_toolkit.client import transport as transport_module
from ei_toolkit.client.endpoint import Endpoint
from ei_toolkit.client.health import reach
from ei_toolkit.client.transport import Transport
from ei_toolkit.client.upload import ingestion as ingestion_module
from ei_toolkit.client.upload.ingestion import BatchKey, Ingestion, Item, RetryableError
from ei_toolkit.errors import ApiError, NetworkError

KEY = "ei_" + "5ecret" * 8
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNK = b"10000\r\n" + b" " * 2**16 + b"\r\n"
Behaviour = Callable[[socket.socket], None]


def repeat(head: bytes, part: bytes, pause_s: float) -> Behaviour:
    """Send `head`, then `part` without end."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(part)
            time.sleep(pause_s)

    return behave


@pytest.fixture
def untrusted() -> Iterator[Callable[[Behaviour], Endpoint]]:
    """Serves every connection with one behaviour, until the client closes it."""
    listeners = []

    def start(behave: Behaviour) -> Endpoint:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.recv(2**16)
                behave(connection)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        return Endpoint(f"{url}/v1", url, KEY)

    yield start
    for listener in listeners:
        listener.close()


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("READ_TIMEOUT_S", "BODY_TIMEOUT_S", "DOWNLOAD_TIMEOUT_S"):
        monkeypatch.setattr(transport_module, name, 0.4)
    monkeypatch.setattr(ingestion_module, "READ_TIMEOUT_S", 0.4)


ENDLESS = [
    repeat(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.0),
    repeat(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.1),
    repeat(b"HTTP/1.1 200 OK\r\nX: ", b"x", 0.1),
    repeat(OK + b"Content-Length: 100000\r\n\r\n", b" ", 0.1),
    repeat(OK + b"\r\n", b" ", 0.1),
    repeat(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.1),
]


@pytest.mark.parametrize("behave", ENDLESS)
def test_a_response_that_does_not_end_is_given_up_once(
    untrusted: Callable[[Behaviour], Endpoint], behave: Behaviour
) -> None:
    started = time.monotonic()
    with pytest.raises(NetworkError) as caught:
        Transport(untrusted(behave)).get("/api/projects")
    assert caught.value.why == "the response took too long"
    assert time.monotonic() - started < 3.0


def test_a_download_that_does_not_end_leaves_no_file(
    untrusted: Callable[[Behaviour], Endpoint], tmp_path: Path
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\n\r\n"
    with pytest.raises(NetworkError):
        Transport(untrusted(repeat(head, b"x", 0.1))).download("/api/x", tmp_path / "x.zip", max_bytes=2**20)
    assert list(tmp_path.iterdir()) == []


def test_the_address_of_a_check_need_not_end_its_response(untrusted: Callable[[Behaviour], Endpoint]) -> None:
    endpoint = untrusted(repeat(OK + b"Transfer-Encoding: chunked\r\n\r\n", CHUNK, 0.0))
    assert reach(endpoint.ingestion_url, endpoint).url == endpoint.ingestion_url


@pytest.fixture
def item() -> Item:
    return Item("0.wav", lambda: b"RIFF", hashlib.sha256(b"RIFF").hexdigest())


def test_an_upload_response_has_a_size_limit(
    untrusted: Callable[[Behaviour], Endpoint], item: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "BODY_TIMEOUT_S", 60.0)
    monkeypatch.setattr(ingestion_module, "MAX_RESULT_BYTES", 2**20)
    endpoint = untrusted(repeat(OK + b"Transfer-Encoding: chunked\r\n\r\n", CHUNK, 0.0))
    with pytest.raises(ApiError, match="the response is larger than 1 MiB"):
        Ingestion(endpoint, 1).send(BatchKey("training", "rock", ()), [item])


@pytest.mark.parametrize("behave", ENDLESS)
def test_an_upload_response_that_does_not_end_is_a_timeout(
    untrusted: Callable[[Behaviour], Endpoint], item: Item, behave: Behaviour
) -> None:
    found = Ingestion(untrusted(behave), 1).send(BatchKey("training", "rock", ()), [item])
    assert isinstance(found, RetryableError)
    assert "the response took too long" in found.reason


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Le"])
def test_a_download_that_is_cut_off_within_its_headers_is_not_an_empty_file(
    untrusted: Callable[[Behaviour], Endpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(transport_module, "backoff", lambda _: 0.0)
    with pytest.raises(NetworkError, match="no answer"):
        endpoint = untrusted(lambda connection: connection.sendall(head))
        Transport(endpoint).download("/api/x", tmp_path / "x.wav", max_bytes=2**20)
    assert list(tmp_path.iterdir()) == []


def test_a_response_without_a_body_is_read_to_its_end(untrusted: Callable[[Behaviour], Endpoint]) -> None:
    endpoint = untrusted(lambda connection: connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n"))
    assert reach(endpoint.ingestion_url, endpoint).url == endpoint.ingestion_url
