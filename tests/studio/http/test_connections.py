"""Connections of clients that only connect, send slowly, or take no response; and of honest ones beside them."""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from ei_toolkit.studio.http import connections as module
from ei_toolkit.studio.http.connections import Connections, largest_number
from ei_toolkit.studio.server import _server

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
LARGE = 8 * 2**20
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def app(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[..., Awaitable[None]]
) -> None:
    """Read the whole body, then answer; /large has a large response, /slow takes a second."""
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.disconnect":
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(1.0)
    body = b"x" * (LARGE if scope["path"] == "/large" else 2)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


def with_server(use: Callable[[int, Connections], Awaitable[None]], largest: int = 100) -> None:
    """Serve `app` while `use` runs with its port."""

    async def run() -> None:
        registry = Connections(largest)
        server = _server(app, registry)
        with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
            serving = asyncio.create_task(server.serve([listener]))
            try:
                await asyncio.wait_for(use(listener.getsockname()[1], registry), 30)
            finally:
                server.should_exit = True
                await serving

    asyncio.run(run())


async def connect(port: int, data: bytes = b"") -> Client:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    return reader, writer


async def is_closed(client: Client, within_s: float = 5.0) -> bool:
    """Wait until the server has closed a connection."""
    with suppress(ConnectionError, TimeoutError):
        while await asyncio.wait_for(client[0].read(2**16), within_s):
            pass
    client[1].close()
    return client[0].at_eof() or client[0].exception() is not None


async def status(port: int, path: str = "/") -> bytes:
    reader, writer = await connect(port, REQUEST.replace(b" / ", b" %s " % path.encode()))
    try:
        return await asyncio.wait_for(reader.readline(), 10)
    finally:
        writer.close()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECK_INTERVAL_S", 0.05)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nX: ", REQUEST + b"GET / HT"])
def test_headers_that_do_not_end_close_the_connection(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(module, "HEADER_TIMEOUT_S", 0.3)

    async def use(port: int, registry: Connections) -> None:
        assert await is_closed(await connect(port, sent))
        assert len(registry) == 0
        assert await status(port, "/slow") == b"HTTP/1.1 200 OK\r\n"  # the time of the server does not count

    with_server(use)


@pytest.mark.parametrize("pause_s", [0.1, 30.0])
def test_a_body_that_arrives_too_slowly_closes_the_connection(monkeypatch: pytest.MonkeyPatch, pause_s: float) -> None:
    monkeypatch.setattr(module, "BODY_WINDOW_S", 0.5)
    monkeypatch.setattr(module, "MIN_BODY_BYTES", 300)

    async def use(port: int, registry: Connections) -> None:
        client = await connect(port, POST)

        async def drip() -> None:
            with suppress(ConnectionError):
                for _ in range(1000):
                    client[1].write(b"x")
                    await asyncio.sleep(pause_s)

        dripping = asyncio.create_task(drip())
        assert await is_closed(client)
        dripping.cancel()
        assert len(registry) == 0

    with_server(use)


def test_a_client_that_does_not_take_the_response_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITE_TIMEOUT_S", 0.3)

    async def use(port: int, registry: Connections) -> None:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(REQUEST.replace(b" / ", b" /large "))
            started = time.monotonic()
            while not len(registry):
                await asyncio.sleep(0.01)
            while len(registry):
                assert time.monotonic() - started < 5.0
                await asyncio.sleep(0.05)

    with_server(use)


def test_at_the_limit_the_connection_that_waits_longest_is_closed_for_a_new_one() -> None:
    async def use(port: int, registry: Connections) -> None:
        idle = [await connect(port) for _ in range(5)]
        while len(registry) < 5:
            await asyncio.sleep(0.01)
        assert await status(port) == b"HTTP/1.1 200 OK\r\n"
        assert await is_closed(idle[0])
        assert len(registry) <= 5
        for _, writer in idle:
            writer.close()

    with_server(use, largest=5)


def test_a_connection_is_refused_while_all_others_are_served() -> None:
    async def use(port: int, registry: Connections) -> None:
        served = [await connect(port, REQUEST.replace(b" / ", b" /slow ")) for _ in range(3)]
        await asyncio.sleep(0.2)
        assert await is_closed(await connect(port, REQUEST))
        assert [await reader.readline() for reader, _ in served] == [b"HTTP/1.1 200 OK\r\n"] * 3
        for _, writer in served:
            writer.close()

    with_server(use, largest=3)


def test_an_honest_client_is_served_beside_many_idle_ones() -> None:
    async def use(port: int, registry: Connections) -> None:
        idle = [await connect(port) for _ in range(300)]
        times = []
        for _ in range(20):
            started = time.monotonic()
            assert await status(port) == b"HTTP/1.1 200 OK\r\n"
            times.append(time.monotonic() - started)
        assert len(registry) <= 200
        assert sorted(times)[10] < 0.25
        for _, writer in idle:
            writer.close()

    with_server(use, largest=200)


def test_the_limit_leaves_descriptors_for_the_studio() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        largest = largest_number()
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert 16 <= largest <= max(16, soft - module.RESERVED_DESCRIPTORS)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
