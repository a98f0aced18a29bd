"""The live log: `GET /socket.io/` as a WebSocket."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from ei_toolkit.studio.context import Studio
from ei_toolkit.studio.live.session import Session

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
