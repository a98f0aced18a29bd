"""One connection of a device: its first message, its answers, and the messages to it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from ei_toolkit.studio.context import Studio
from ei_toolkit.studio.http.errors import ApiError, Forbidden, Unauthorised
from ei_toolkit.studio.http.schema import parse
from ei_toolkit.studio.live.session import CLIENT_LEFT, KEY_CHECK_INTERVAL_S, POLICY_VIOLATION
from ei_toolkit.studio.permissions import allows
from ei_toolkit.studio.remote.connected import DeviceConnection
from ei_toolkit.studio.remote.messages import Form, InferenceInfo, encode, read_hello, read_message

HELLO_TIMEOUT_S = 10.0
LONGEST_REASON = 120  # bytes of the reason in a close frame, which may have 123

log = logging.getLogger("ei_toolkit.studio")
router = APIRouter()


@router.websocket("/")
async def connect_device(websocket: WebSocket) -> None:
    """Serve one device until one side closes the connection."""
    studio: Studio = websocket.app.state.studio
    await websocket.accept()
    with contextlib.suppress(*CLIENT_LEFT):
        connection = await _greet(studio, websocket)
        if connection is None:
            return
        log.info("device %s connected to project %d", connection.hello.device_id, connection.project)
        sender = asyncio.create_task(_send(studio, websocket, connection))
        try:
            await _receive(studio, websocket, connection)
        finally:
            studio.devices.remove(connection)
            sender.cancel()
            log.info("device %s disconnected", connection.hello.device_id)


async def _greet(studio: Studio, websocket: WebSocket) -> DeviceConnection | None:
    """Read the first message; answer it and return the connection, or None if the device is not accepted."""
    form: Form = "json"
    try:
        message, form = read_message(await asyncio.wait_for(_frame(websocket), HELLO_TIMEOUT_S))
        connection = await asyncio.to_thread(_identify, studio, message, form, asyncio.get_running_loop())
        studio.devices.add(connection)
    except TimeoutError:
        await _refuse(websocket, form, f"No hello within {HELLO_TIMEOUT_S:g} s")
        return None
    except ApiError as error:
        await _refuse(websocket, form, str(error))
        return None
    try:
        await asyncio.to_thread(_describe, studio, connection)
        await _send_frame(
            websocket, encode({"hello": True, "auth": True, "serverTimestamp": int(1000 * time.time())}, form)
        )
    except BaseException:  # a cancelled task, too: the device would stay connected
        studio.devices.remove(connection)
        raise
    return connection


def _identify(
    studio: Studio, message: Mapping[str, Any], form: Form, loop: asyncio.AbstractEventLoop
) -> DeviceConnection:
    """Return the connection of a device. Raises ApiError for a message or a key that is not accepted."""
    hello = read_hello(message)
    key = studio.store.keys.find(hello.api_key)
    if key is None:
        raise Unauthorised("The API key is not valid: it is unknown, revoked or expired")
    if not allows(key.role, "upload"):
        raise Forbidden("The role of the API key does not allow uploads")
    info = hello.inference_info.model_dump(by_alias=True) if hello.inference_info else None
    return DeviceConnection(key.project, key.id, hello, form, loop, inference_info=info)


def _describe(studio: Studio, connection: DeviceConnection) -> None:
    hello = connection.hello
    sensors = [sensor.model_dump(by_alias=True) for sensor in hello.sensors]
    studio.store.devices.describe(
        connection.project, hello.device_id, hello.device_type, sensors,
        supports_snapshots=hello.supports_snapshot_streaming,
    )  # fmt: skip


async def _receive(studio: Studio, websocket: WebSocket, connection: DeviceConnection) -> None:
    """Handle the messages of a device until it leaves or sends one that is not understood."""
    while True:
        try:
            message, _ = read_message(await _frame(websocket))
            if "hello" in message:
                raise ApiError("hello was sent twice; one connection has one device")
            _handle(studio, connection, message)
        except ApiError as error:
            await _refuse(websocket, connection.form, str(error), name="err")
            return
        if message.get("sampleFinished") or message.get("sample") is False:
            _log_sampling(connection)
            await asyncio.to_thread(studio.store.devices.mark_seen, connection.project, connection.hello.device_id)


def _handle(studio: Studio, connection: DeviceConnection, message: Mapping[str, Any]) -> None:
    """Take over what a message states, and pass a record of predictions on to the clients of the live log."""
    if connection.sampling:
        connection.sampling.update(message)
    if message.get("modelUpdateSuccess") and isinstance(message.get("inferenceInfo"), dict):
        connection.inference_info = parse(InferenceInfo, message["inferenceInfo"]).model_dump(by_alias=True)
    if isinstance(index := message.get("index"), int) and ("impulseRecord" in message or "record" in message):
        connection.send({"impulseRecordAck": True, "index": index})
    if "impulseRecord" in message:
        for stream in studio.devices.streams_of(connection, "inference"):
            studio.hub.publish_stream(connection.project, stream, message)


def _log_sampling(connection: DeviceConnection) -> None:
    if sampling := connection.sampling:
        reason = f": {sampling.error}" if sampling.error else ""
        log.info("sample %d of device %s: %s%s", sampling.id, connection.hello.device_id, sampling.state, reason)


async def _send(studio: Studio, websocket: WebSocket, connection: DeviceConnection) -> None:
    """Send the queued messages; close the connection when its key is not valid any more."""
    with contextlib.suppress(*CLIENT_LEFT):
        while True:
            try:
                frame = await asyncio.wait_for(connection.outbox.get(), KEY_CHECK_INTERVAL_S)
            except TimeoutError:
                studio.devices.end_expired_streams()
                if await asyncio.to_thread(studio.store.keys.by_id, connection.key) is None:
                    await _refuse(websocket, connection.form, "The API key was revoked or has expired", name="err")
                    return
                continue
            if frame is None:
                await websocket.close()
                return
            await _send_frame(websocket, frame)


async def _refuse(websocket: WebSocket, form: Form, reason: str, name: str = "hello") -> None:
    message = {"hello": False, "err": reason, "auth": False} if name == "hello" else {"err": reason}
    await _send_frame(websocket, encode(message, form))
    await websocket.close(POLICY_VIOLATION, reason.encode()[:LONGEST_REASON].decode(errors="ignore"))


async def _frame(websocket: WebSocket) -> str | bytes:
    """Return the next text or binary frame."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    text: str | None = message.get("text")
    return text if text is not None else message["bytes"]


async def _send_frame(websocket: WebSocket, frame: str | bytes) -> None:
    await (websocket.send_text(frame) if isinstance(frame, str) else websocket.send_bytes(frame))
