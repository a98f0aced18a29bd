"""Messages of the live log have a largest size, also those that arrive in many frames."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
import websocket

from ei_toolkit.client.jobs.live_socket import MAX_MESSAGE_BYTES, BoundedWebSocket

TEXT, CONTINUATION, PING, FINAL = 0x1, 0x0, 0x9, 0x80


@pytest.fixture
def connected() -> Iterator[tuple[BoundedWebSocket, socket.socket]]:
    """A client after its handshake, and the socket of the server."""
    client, server = socket.socketpair()
    client.settimeout(5)
    bounded = BoundedWebSocket()
    bounded.sock, bounded.connected = client, True
    yield bounded, server
    client.close()
    server.close()


def frame(first: int, payload: bytes, length: int | None = None) -> bytes:
    return struct.pack("!BBQ", first, 127, len(payload) if length is None else length) + payload


def send(server: socket.socket, content: bytes) -> None:
    """Send in a thread: the client reads less than all of it."""

    def write() -> None:
        with suppress(OSError):
            server.sendall(content)

    threading.Thread(target=write, daemon=True).start()


def test_a_message_of_the_largest_size_is_read(connected: tuple[BoundedWebSocket, socket.socket]) -> None:
    client, server = connected
    message = frame(TEXT | FINAL, b"x" * MAX_MESSAGE_BYTES)
    send(server, message)
    assert client.recv() == "x" * MAX_MESSAGE_BYTES


def test_a_larger_message_is_not_read(connected: tuple[BoundedWebSocket, socket.socket]) -> None:
    client, server = connected
    server.sendall(frame(TEXT | FINAL, b"begin", length=2**40))
    with pytest.raises(websocket.WebSocketPayloadException, match="more than 1048576 bytes"):
        client.recv()


def test_the_frames_of_a_message_count_together(connected: tuple[BoundedWebSocket, socket.socket]) -> None:
    client, server = connected
    half = b"x" * (MAX_MESSAGE_BYTES // 2 + 1)
    parts = frame(TEXT, half) + frame(PING | FINAL, b"") + frame(CONTINUATION, half)
    send(server, parts)
    with pytest.raises(websocket.WebSocketPayloadException):
        client.recv()


def test_the_messages_of_a_connection_do_not_count_together(
    connected: tuple[BoundedWebSocket, socket.socket],
) -> None:
    client, server = connected
    half = "x" * (MAX_MESSAGE_BYTES // 2 + 1)
    messages = frame(TEXT | FINAL, half.encode()) * 3
    send(server, messages)
    assert [client.recv() for _ in range(3)] == [half] * 3
