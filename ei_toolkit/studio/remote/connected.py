"""The devices that are connected now, and what is requested of them.

Connections live in the event loop of the server. Requests come from the threads of its routes.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.remote.messages import Form, Hello, encode

MOST_QUEUED = 100  # messages that wait for a slow device
ANSWER_TIMEOUT_S = 5.0  # for the first answer of a device to a request
SAMPLING_GRACE_S = 60.0  # beyond the length of a sample, until a device that reports nothing counts as failed
LONGEST_REASON = 300  # characters
STREAM_LIFETIME_S = 30.0  # of a debug stream without a keep-alive

State = Literal["requested", "accepted", "started", "processing", "reading", "uploading", "finished", "failed"]
PROGRESS: Mapping[str, State] = {
    "sampleStarted": "started", "sampleProcessing": "processing", "sampleReading": "reading",
    "sampleUploading": "uploading", "sampleFinished": "finished",
}  # fmt: skip
"""What a device reports of a sample, by the name of its message."""
STREAM_MESSAGES = {"inference": "InferenceStream", "snapshot": "Snapshot"}
StreamKind = Literal["inference", "snapshot"]


@dataclass
class Sampling:
    """One requested sample and how far the device is with it; `error` is what the device reports."""

    id: int
    length_ms: float
    state: State = "requested"
    progress_percent: float = 0.0
    error: str = ""
    requested_at: float = field(default_factory=time.monotonic)
    answered: threading.Event = field(default_factory=threading.Event)

    @property
    def is_active(self) -> bool:
        """Whether the device may still be busy with it."""
        late = time.monotonic() - self.requested_at > self.length_ms / 1000 + SAMPLING_GRACE_S
        return self.state not in ("finished", "failed") and not late

    def update(self, message: Mapping[str, Any]) -> None:
        """Take over what a message of the device states; after the end nothing changes any more."""
        if self.state in ("finished", "failed"):
            return
        if message.get("sample") is False:
            self.state, self.error = (
                "failed",
                str(message.get("err") or message.get("error") or "no reason given")[:300],
            )
        elif message.get("sample") is True and self.state == "requested":
            self.state = "accepted"
        for name, state in PROGRESS.items():
            if message.get(name):
                self.state = state
        percent = message.get("progressPercentage")
        if isinstance(percent, int | float):
            self.progress_percent = min(100.0, max(0.0, float(percent)))
        if self.state != "requested":
            self.answered.set()


@dataclass
class DeviceConnection:
    """One connected device. `outbox` holds the frames to send; None in it closes the connection."""

    project: int
    key: int
    hello: Hello
    form: Form
    loop: asyncio.AbstractEventLoop
    outbox: asyncio.Queue[str | bytes | None] = field(default_factory=lambda: asyncio.Queue(MOST_QUEUED))
    sampling: Sampling | None = None
    inference_info: dict[str, Any] | None = None

    def send(self, message: Mapping[str, Any]) -> None:
        """Queue a message from any thread; a device that does not read its messages is disconnected."""
        self.loop.call_soon_threadsafe(self._queue, encode(message, self.form))

    def end(self) -> None:
        """Close the connection after the queued messages, from any thread."""
        self.loop.call_soon_threadsafe(self._queue, None)

    def _queue(self, frame: str | bytes | None) -> None:
        if self.outbox.qsize() >= MOST_QUEUED - 1:
            frame = None
        if not self.outbox.full():
            self.outbox.put_nowait(frame)


@dataclass
class _Stream:
    kind: StreamKind
    connection: DeviceConnection
    expires_at: float


class ConnectedDevices:
    """The connections by project and device ID. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._connections: dict[tuple[int, str], DeviceConnection] = {}
        self._streams: dict[int, _Stream] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, connection: DeviceConnection) -> None:
        """Add a connection. Raises ApiError while another connection has stated the same device ID."""
        own = connection.project, connection.hello.device_id
        with self._lock:
            if own in self._connections:
                raise ApiError(f"The device {own[1]} is connected already; another connection cannot claim its ID")
            self._connections[own] = connection

    def remove(self, connection: DeviceConnection) -> None:
        """Remove a connection that has ended; a sample that it has not finished has failed."""
        with self._lock:
            self._connections.pop((connection.project, connection.hello.device_id), None)
            self._streams = {n: s for n, s in self._streams.items() if s.connection is not connection}
        if connection.sampling and connection.sampling.is_active:
            connection.sampling.update({"sample": False, "err": "the device has disconnected"})

    def find(self, project: int, device_id: str) -> DeviceConnection | None:
        """Return the connection of a device; None while it is not connected."""
        with self._lock:
            return self._connections.get((project, device_id))

    def get(self, project: int, device_id: str) -> DeviceConnection:
        """Return the connection of a device. Raises ApiError while it is not connected."""
        found = self.find(project, device_id)
        if found is None:
            raise ApiError(f"The device {device_id[:100]} is not connected to the remote management")
        return found

    def start_sampling(self, project: int, device_id: str, request: Mapping[str, Any]) -> Sampling:
        """Request a sample and wait for the first answer of the device, at most ANSWER_TIMEOUT_S.

        Raises ApiError if the device is not connected, records already, or refuses.
        """
        connection = self.get(project, device_id)
        with self._lock:
            if connection.sampling and connection.sampling.is_active:
                raise ApiError(f"The device {device_id} is recording a sample already")
            sampling = connection.sampling = Sampling(next(self._numbers), float(request["length"]))
        connection.send({"sample": dict(request)})
        sampling.answered.wait(ANSWER_TIMEOUT_S)
        if sampling.state == "failed":
            raise ApiError(f"The device {device_id} did not record the sample: {sampling.error}")
        return sampling

    def start_stream(self, project: int, device_id: str, kind: StreamKind, **values: Any) -> int:
        """Start a debug stream; return its id. It ends STREAM_LIFETIME_S after the last keep-alive."""
        connection = self.get(project, device_id)
        connection.send({f"start{STREAM_MESSAGES[kind]}": True, **values})
        with self._lock:
            stream = next(self._numbers)
            self._streams[stream] = _Stream(kind, connection, time.monotonic() + STREAM_LIFETIME_S)
        return stream

    def keep_stream(self, project: int, device_id: str, stream: int) -> None:
        """Let a debug stream go on for STREAM_LIFETIME_S. Raises ApiError for a stream that has ended."""
        self._stream(project, device_id, stream).expires_at = time.monotonic() + STREAM_LIFETIME_S

    def stop_stream(self, project: int, device_id: str, stream: int) -> None:
        """End a debug stream. Raises ApiError for a stream that has ended."""
        self._end_stream(stream, self._stream(project, device_id, stream))

    def streams_of(self, connection: DeviceConnection, kind: StreamKind) -> list[int]:
        """Return the ids of the debug streams of one kind that a device is asked for."""
        with self._lock:
            return [n for n, s in self._streams.items() if s.connection is connection and s.kind == kind]

    def end_expired_streams(self) -> None:
        """End the debug streams whose clients are gone."""
        with self._lock:
            expired = [(n, s) for n, s in self._streams.items() if s.expires_at < time.monotonic()]
        for number, stream in expired:
            self._end_stream(number, stream)

    def _stream(self, project: int, device_id: str, number: int) -> _Stream:
        connection = self.get(project, device_id)
        with self._lock:
            stream = self._streams.get(number)
        if stream is None or stream.connection is not connection:
            raise ApiError(f"There is no debug stream with the id {number} of the device {device_id}")
        return stream

    def _end_stream(self, number: int, stream: _Stream) -> None:
        """Forget a stream; the device stops with the last one of its kind."""
        with self._lock:
            self._streams.pop(number, None)
        if not self.streams_of(stream.connection, stream.kind):
            stream.connection.send({f"stop{STREAM_MESSAGES[stream.kind]}": True})
