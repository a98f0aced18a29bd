"""Limits of the connections of both services: their number, and the time that a client may take.

A connection is closed if its headers are not complete in time, if the body of its request arrives too slowly, or if the
client does not take the response. At the largest number of connections the one that has waited longest for a request is
closed for a new one, so that clients that only connect keep no other client from being served.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from ipaddress import ip_address
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from ei_toolkit.system import raise_descriptor_limit

HEADER_TIMEOUT_S = 20.0  # from the start of a connection, or the end of a response, to the end of the next headers
BODY_WINDOW_S = 60.0  # in this time MIN_BODY_BYTES of a body must arrive, unless the service itself does not read
MIN_BODY_BYTES = 60 * 1024
WRITE_TIMEOUT_S = 120.0  # a client that takes none of the bytes that wait for it
CHECK_INTERVAL_S = 5.0
MAX_CONNECTIONS = 4000
RESERVED_DESCRIPTORS = 256  # for the files, databases and processes of the studio
SHARE_OF_ADDRESS = 4  # another machine may have one fourth of all connections


class Connections:
    """The open connections of a studio, and how many there may be."""

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self._open: set[BoundedConnection] = set()
        self._by_address: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return the number of open connections."""
        return len(self._open)

    def admit(self, connection: BoundedConnection) -> bool:
        """Add a connection, and close the one that has waited longest if there are too many.

        Returns False, and adds nothing, if none waits: all of them are being served.
        """
        address = connection.address
        mine = None if self._by_address[address] < self._largest_of(address) else address
        if (mine is not None or len(self._open) >= self.largest) and not self._close_one(mine):
            return False
        self._open.add(connection)
        self._by_address[address] += 1
        return True

    def release(self, connection: BoundedConnection) -> None:
        """Remove a connection; nothing happens if it was removed before."""
        if connection in self._open:
            self._open.remove(connection)
            self._by_address -= Counter([connection.address])

    def _largest_of(self, address: str) -> int:
        is_local = not address or ip_address(address.partition("%")[0]).is_loopback
        return self.largest if is_local else max(1, self.largest // SHARE_OF_ADDRESS)

    def _close_one(self, address: str | None) -> bool:
        waiting = [one for one in self._open if one.waits and address in (None, one.address)]
        if not waiting:
            return False
        oldest = min(waiting, key=lambda one: one.waits_since)
        self.release(oldest)
        oldest.transport.abort()
        return True


class BoundedConnection(H11Protocol):
    """One connection of a client."""

    def __init__(self, *, connections: Connections, **options: Any) -> None:
        super().__init__(**options)
        self._connections = connections
        self._is_websocket = False
        self._received = 0
        self._window_start = self._paused_since = self.waits_since = self.loop.time()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def address(self) -> str:
        """The address of the client; empty if it is not known."""
        return self.client[0] if self.client else ""

    @property
    def waits(self) -> bool:
        """Whether the client has not sent a whole request since the last response."""
        return not self._is_websocket and (self.cycle is None or self.cycle.response_complete)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Serve the connection, or close it if there are too many."""
        super().connection_made(transport)
        if self._connections.admit(self):
            self._schedule()
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection."""
        self._release()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what arrives."""
        self._received += len(data)
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self.waits_since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Record since when the client does not take the response."""
        self._paused_since = self.loop.time()
        super().pause_writing()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Leave the connection to the protocol of WebSockets, which has pings; only its number is still limited."""
        self._is_websocket = True
        super().handle_websocket_upgrade(event)

    def _schedule(self) -> None:
        self._timer = self.loop.call_later(CHECK_INTERVAL_S, self._check)

    def _check(self) -> None:
        if self.transport.is_closing():  # a WebSocket that has ended, whose protocol is another one
            self._release()
        elif not self._is_websocket and self._is_overdue(self.loop.time()):
            self._release()
            self.transport.abort()
        else:
            self._schedule()

    def _is_overdue(self, now: float) -> bool:
        if self.flow.write_paused:
            return now - self._paused_since > WRITE_TIMEOUT_S
        if self.waits:
            return now - self.waits_since > HEADER_TIMEOUT_S
        if not self.cycle.more_body or self.flow.read_paused:
            self._window_start, self._received = now, 0
            return False
        if now - self._window_start <= BODY_WINDOW_S:
            return False
        is_slow = self._received < MIN_BODY_BYTES
        self._window_start, self._received = now, 0
        return is_slow

    def _release(self) -> None:
        self._connections.release(self)
        if self._timer is not None:
            self._timer.cancel()


def largest_number() -> int:
    """Raise the limit of open files as far as needed and allowed; return how many connections it leaves room for."""
    limit = raise_descriptor_limit(MAX_CONNECTIONS + RESERVED_DESCRIPTORS)
    room = MAX_CONNECTIONS if limit is None else limit - RESERVED_DESCRIPTORS
    return max(16, min(MAX_CONNECTIONS, room))
