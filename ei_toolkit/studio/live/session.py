"""One client of the live log: Engine.IO 3 or 4 and Socket.IO over a WebSocket, spoken by hand.

The Python SDK speaks Engine.IO 4 (the server pings), the JavaScript client 3 (the client pings). A log is replayed
from its start when it is subscribed to, and its end is told even if the job ended before.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from ei_toolkit.studio.context import Studio
from ei_toolkit.studio.http.errors import ApiError

PING_S = 25.0
MOST_WAITING = 100_000  # messages that a slow client may be behind
HELLO = '42["hello",{"hello":{"version":1}}]'


@dataclass
class Session:
    """State of one connection. `outbox` is what still has to be sent; None closes it."""

    studio: Studio
    project: int
    protocol: int
    outbox: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))
    heard: dict[int, Callable[[str, bool | None], None]] = field(default_factory=dict)

    def open(self) -> None:
        """What the server says first."""
        hello = {"sid": secrets.token_hex(8), "upgrades": [], "pingInterval": 25000, "pingTimeout": 20000}
        self.send("0" + json.dumps({**hello, "maxPayload": 1_000_000}, separators=(",", ":")))
        if self.protocol == 3:
            self._join("40")

    def close(self) -> None:
        """Stop hearing every job."""
        for job, listener in self.heard.items():
            self.studio.hub.leave(job, listener)
        self.heard.clear()

    def send(self, packet: str) -> None:
        """Queue a packet; a client too slow to follow is dropped."""
        if self.outbox.qsize() < MOST_WAITING - 1:
            self.outbox.put_nowait(packet)
        else:
            self.outbox.put_nowait(None)

    async def receive(self, packet: str) -> None:
        """React to one packet of the client."""
        if packet.startswith("2") and self.protocol == 3:
            self.send("3" + packet[1:])
        elif packet.startswith("40"):
            self._join("40" + json.dumps({"sid": secrets.token_hex(8)}, separators=(",", ":")))
        elif packet.startswith("42"):
            await self._event(packet[2:])
        elif packet.startswith("1"):
            self.outbox.put_nowait(None)

    async def outgoing(self) -> AsyncIterator[str]:
        """Packets to send, with the server's pings among them for Engine.IO 4."""
        clock = asyncio.get_running_loop().time
        next_ping = clock() + PING_S
        while True:
            if clock() >= next_ping:  # by the clock, however much is being sent: the client counts on it
                next_ping = clock() + PING_S
                if self.protocol == 4:
                    yield "2"
            try:
                packet = await asyncio.wait_for(self.outbox.get(), next_ping - clock())
            except TimeoutError:
                continue
            if packet is None:
                return
            yield packet

    def _join(self, packet: str) -> None:
        self.send(packet)
        self.send(HELLO)

    async def _event(self, text: str) -> None:
        try:
            name, *arguments = json.loads(text)
            job = int(arguments[0]["jobId"])
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError):
            return
        if name == "start-log-stream":
            await self._follow(job)
        elif name == "job-cancel":
            await asyncio.to_thread(self._cancel, job)

    def _cancel(self, job: int) -> None:
        try:
            self.studio.runner.cancel(self.studio.store.jobs.get(self.project, job))
        except ApiError:
            return

    async def _follow(self, job: int) -> None:
        """Replay the log, then hear what comes; nothing is lost or doubled between because nothing else runs then."""
        try:
            await asyncio.to_thread(self.studio.store.jobs.get, self.project, job)
        except (ApiError, OverflowError):
            return
        if job in self.heard:
            return
        listener = self._listener(job)
        self.heard[job] = listener
        for entry in self.studio.runner.log(job).entries():
            listener(entry.data, None)
        self.studio.hub.listen(job, listener)
        found = await asyncio.to_thread(self.studio.store.jobs.get, self.project, job)
        if found.state == "finished":
            listener("", bool(found.success))

    def _listener(self, job: int) -> Callable[[str, bool | None], None]:
        ended = False

        def listen(text: str, success: bool | None) -> None:
            nonlocal ended
            if success is None:
                self._emit(f"job-data-{job}", {"data": text, "jobId": job})
            elif not ended:
                ended = True
                self._emit(f"job-finished-{job}", {"success": success})
                self._emit("job-finished", {"jobId": job, "success": success})

        return listen

    def _emit(self, name: str, data: dict[str, Any]) -> None:
        self.send("42" + json.dumps([name, data], separators=(",", ":")))


router = APIRouter()


@router.websocket("/socket.io/")
async def socket(websocket: WebSocket) -> None:
    """Serve one client until it leaves."""
    studio: Studio = websocket.app.state.studio
    project = studio.tokens.project(websocket.query_params.get("token", ""))
    if project is None or websocket.query_params.get("transport", "websocket") != "websocket":
        await websocket.close(1008)
        return
    await websocket.accept()
    session = Session(studio, project, 3 if websocket.query_params.get("EIO") == "3" else 4)
    session.open()
    sender = asyncio.create_task(_send(websocket, session))
    try:
        while not sender.done():
            await session.receive(await websocket.receive_text())
    except (WebSocketDisconnect, RuntimeError, KeyError):
        pass  # the client went away, or sent bytes
    finally:
        session.close()
        sender.cancel()


async def _send(websocket: WebSocket, session: Session) -> None:
    async for packet in session.outgoing():
        await websocket.send_text(packet)
    await websocket.close()
