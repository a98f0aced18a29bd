"""A TCP proxy on the loopback address that damages a share of the requests: delays, cuts, truncated responses."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections import Counter
from collections.abc import Iterator

FAULTS = ("refuse", "cut request", "cut response", "truncate response", "delay", "slow")
SHARE = 0.2  # of the requests
CHUNK = 2**14
DELAY_S = (0.1, 3.0)
SLOW_BYTES_PER_S = 200_000


class FaultyProxy:
    """Forwards connections to one port; runs in a thread of its own until `close`.

    A request begins with the first bytes of a client after a response; each draws whether it gets a fault, and which.
    """

    def __init__(self, target: int, seed: int) -> None:
        self.faults: Counter[str] = Counter()
        self.share = SHARE
        self._target = target
        self._random = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _loop, _context: None)  # connections that break are the purpose
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        serving = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop accepting connections and end the thread."""
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def draw(self) -> tuple[str, int]:
        """Return the fault of a request, empty for none, and the number of bytes after which it happens."""
        if self._random.random() >= self.share:
            self.faults["none"] += 1
            return "", 0
        fault = self._random.choice(FAULTS)
        self.faults[fault] += 1
        return fault, int(10 ** self._random.uniform(0, 6))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with _closing(writer):
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self._target)
            with _closing(upstream):
                exchange = _Exchange(self)
                await _first_of(
                    exchange.requests(reader, upstream, writer), exchange.responses(upstream_reader, writer)
                )


class _Exchange:
    """The two directions of one connection, and the fault of the request that is under way."""

    def __init__(self, proxy: FaultyProxy) -> None:
        self._proxy = proxy
        self._fault, self._after, self._bytes = "", 0, 0
        self._is_answering = True

    async def requests(
        self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(CHUNK):
            if self._is_answering:
                self._fault, self._after = self._proxy.draw()
                self._is_answering, self._bytes = False, 0
            if self._fault == "refuse":
                client.transport.abort()
                return
            if self._fault == "cut request" and self._bytes + len(data) > self._after:
                upstream.write(data[: self._after - self._bytes])
                await upstream.drain()
                client.transport.abort()
                return
            self._bytes += len(data)
            await self._pause(len(data))
            upstream.write(data)
            await upstream.drain()

    async def responses(self, upstream: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while data := await upstream.read(CHUNK):
            if not self._is_answering:
                self._is_answering, self._bytes = True, 0
                if self._fault == "delay":
                    await asyncio.sleep(random.uniform(*DELAY_S))
            if self._fault in ("cut response", "truncate response") and self._bytes + len(data) > self._after:
                client.write(data[: self._after - self._bytes])
                await client.drain()
                if self._fault == "cut response":
                    client.transport.abort()
                return
            self._bytes += len(data)
            await self._pause(len(data))
            client.write(data)
            await client.drain()

    async def _pause(self, count: int) -> None:
        if self._fault == "slow":
            await asyncio.sleep(count / SLOW_BYTES_PER_S)


async def _first_of(*directions: object) -> None:
    """Run both directions until the first ends; a connection that breaks ends the other one as well."""
    tasks = [asyncio.ensure_future(direction) for direction in directions]  # type: ignore[call-overload]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def _closing(writer: asyncio.StreamWriter) -> Iterator[None]:
    try:
        yield
    finally:
        with contextlib.suppress(RuntimeError):  # the proxy was closed in the meantime, with its event loop
            writer.close()
