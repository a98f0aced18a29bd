"""The live log: Engine.IO versions 3 and 4 and Socket.IO over a WebSocket, as the official clients use them.

The Python SDK uses Engine.IO 4, in which the server sends pings; the JavaScript client uses Engine.IO 3, in which the
client sends them. A subscription begins with a replay of the whole log. It always ends with the result of the job, also
if the job ended before.

Debug streams of devices arrive without a subscription, as the event `debug-stream-data-ID` with the message of the
device. Edge Impulse documents that they come over this connection, but not the name of the event.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from ei_toolkit.studio.context import Studio
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.live.hub import Subscriber
from ei_toolkit.studio.permissions import LIVE_EVENTS, STREAM_PERMISSION, allows
from ei_toolkit.studio.store.keys import Key

PING_INTERVAL_S = 25.0
PING_TIMEOUT_S = 20.0
KEY_CHECK_INTERVAL_S = 2.0  # until an open connection notices that its key is not valid any more
MOST_QUEUED = 100_000  # packets that wait for a slow client
LARGEST_PACKET = 1_000_000
HELLO = '42["hello",{"hello":{"version":1}}]'
POLICY_VIOLATION = 1008  # WebSocket close code
CLIENT_LEFT = (WebSocketDisconnect, RuntimeError)
"""What Starlette raises when a client has closed the connection; RuntimeError after the close was noticed before."""


@dataclass
class Session:
    """The state of one connection. `outbox` holds the packets to send; None in it closes the connection."""

    studio: Studio
    key: Key
    protocol: int
    outbox: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(MOST_QUEUED))
    subscriptions: dict[int, Subscriber] = field(default_factory=dict)

    def open(self) -> None:
        """Send the first packets of a connection."""
        intervals = {"pingInterval": int(1000 * PING_INTERVAL_S), "pingTimeout": int(1000 * PING_TIMEOUT_S)}
        handshake = {"sid": secrets.token_hex(8), "upgrades": [], **intervals, "maxPayload": LARGEST_PACKET}
        self.send("0" + json.dumps(handshake, separators=(",", ":")))
        if allows(self.key.role, STREAM_PERMISSION):
            self.studio.hub.add_receiver(self.key.project, self._receive_stream)
        if self.protocol == 3:
            self._connect("40")

    def close(self) -> None:
        """End all subscriptions."""
        self.studio.hub.remove_receiver(self.key.project, self._receive_stream)
        for job, subscriber in self.subscriptions.items():
            self.studio.hub.unsubscribe(job, subscriber)
        self.subscriptions.clear()

    def send(self, packet: str) -> None:
        """Queue a packet. If too many packets wait for a slow client, the connection is closed."""
        if self.outbox.qsize() < MOST_QUEUED - 1:
            self.outbox.put_nowait(packet)
        else:
            self._end()

    async def receive(self, packet: str) -> None:
        """Handle one packet from the client; an invalid packet is ignored."""
        if packet.startswith("2") and self.protocol == 3:
            self.send("3" + packet[1:])
        elif packet.startswith("40"):
            self._connect("40" + json.dumps({"sid": secrets.token_hex(8)}, separators=(",", ":")))
        elif packet.startswith("42"):
            await self._event(packet[2:])
        elif packet.startswith("1"):
            self._end()

    async def outgoing(self) -> AsyncIterator[str]:
        """Yield the packets to send, with the pings of the server among them for Engine.IO 4.

        They end soon after the key has expired or was revoked.
        """
        clock = asyncio.get_running_loop().time
        next_ping, next_check = clock() + PING_INTERVAL_S, clock() + KEY_CHECK_INTERVAL_S
        while True:
            if clock() >= next_ping:  # also while a log is being sent: the client expects pings at fixed intervals
                next_ping = clock() + PING_INTERVAL_S
                if self.protocol == 4:
                    yield "2"
            if clock() >= next_check:
                next_check = clock() + KEY_CHECK_INTERVAL_S
                if not await asyncio.to_thread(self._key_is_valid):
                    return
            try:
                packet = await asyncio.wait_for(self.outbox.get(), min(next_ping, next_check) - clock())
            except TimeoutError:
                continue
            if packet is None:
                return
            yield packet

    def _end(self) -> None:
        """Close the connection after the queued packets. The queue is full only if its last item is None already."""
        if not self.outbox.full():
            self.outbox.put_nowait(None)

    def _connect(self, packet: str) -> None:
        self.send(packet)
        self.send(HELLO)

    async def _event(self, text: str) -> None:
        try:
            name, *arguments = json.loads(text)
            job = int(arguments[0]["jobId"])
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError):
            return
        if name not in LIVE_EVENTS or not allows(self.key.role, LIVE_EVENTS[name]):
            return
        if not await asyncio.to_thread(self._key_is_valid):
            self._end()
        elif name == "start-log-stream":
            await self._subscribe(job)
        elif name == "job-cancel":
            await asyncio.to_thread(self._cancel, job)

    def _key_is_valid(self) -> bool:
        return self.studio.store.keys.by_id(self.key.id) is not None

    def _cancel(self, job: int) -> None:
        with suppress(ApiError, OverflowError):
            self.studio.runner.cancel(self.studio.store.jobs.get(self.key.project, job))

    async def _subscribe(self, job: int) -> None:
        """Replay the log of a job and subscribe to it.

        No line is lost or sent twice: nothing else runs in the event loop between the replay and the subscription.
        """
        try:
            await asyncio.to_thread(self.studio.store.jobs.get, self.key.project, job)
        except (ApiError, OverflowError):
            return
        if job in self.subscriptions:
            return
        subscriber = self._subscriber(job)
        self.subscriptions[job] = subscriber
        for entry in self.studio.runner.log(job).entries():
            subscriber(entry.data, None)
        self.studio.hub.subscribe(job, subscriber)
        found = await asyncio.to_thread(self.studio.store.jobs.get, self.key.project, job)
        if found.state == "finished":
            subscriber("", bool(found.success))

    def _subscriber(self, job: int) -> Subscriber:
        ended = False

        def send_event(text: str, success: bool | None) -> None:
            nonlocal ended
            if success is None:
                self._emit(f"job-data-{job}", {"data": text, "jobId": job})
            elif not ended:
                ended = True
                self._emit(f"job-finished-{job}", {"success": success})
                self._emit("job-finished", {"jobId": job, "success": success})

        return send_event

    def _receive_stream(self, stream: int, message: Mapping[str, Any]) -> None:
        self._emit(f"debug-stream-data-{stream}", dict(message))

    def _emit(self, name: str, data: dict[str, Any]) -> None:
        self.send("42" + json.dumps([name, data], separators=(",", ":")))


router = APIRouter()


@router.websocket("/socket.io/")
async def socket(websocket: WebSocket) -> None:
    """Serve one client until it closes the connection."""
    studio: Studio = websocket.app.state.studio
    key = await _presented_key(studio, websocket.query_params.get("token", ""))
    if key is None or websocket.query_params.get("transport", "websocket") != "websocket":
        await websocket.close(POLICY_VIOLATION)
        return
    await websocket.accept()
    session = Session(studio, key, 3 if websocket.query_params.get("EIO") == "3" else 4)
    session.open()
    sender = asyncio.create_task(_send_packets(websocket, session))
    try:
        while not sender.done():
            await session.receive(await websocket.receive_text())
    except (*CLIENT_LEFT, KeyError):  # KeyError: the client sent bytes
        pass
    finally:
        session.close()
        sender.cancel()


async def _presented_key(studio: Studio, token: str) -> Key | None:
    """Return the API key that a token was issued for, unless the token or the key has expired."""
    key = studio.tokens.key(token)
    return None if key is None else await asyncio.to_thread(studio.store.keys.by_id, key)


async def _send_packets(websocket: WebSocket, session: Session) -> None:
    with suppress(*CLIENT_LEFT):
        async for packet in session.outgoing():
            await websocket.send_text(packet)
        await websocket.close()
