"""Distribution of job logs and debug streams to connected clients, and the tokens that a connection needs.

The methods of `Hub` are called in the server's event loop only and never block.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

Subscriber = Callable[[str, bool | None], None]
"""Called with a line of the log and None, or, at the end of the job, with an empty line and whether it succeeded."""
StreamReceiver = Callable[[int, Mapping[str, Any]], None]
"""Called with the id of a debug stream and a message of its device."""


class Hub:
    """Passes each line of a job's log to the subscribers of the job, and debug streams to those of the project."""

    def __init__(self) -> None:
        self._subscribers: dict[int, set[Subscriber]] = {}
        self._receivers: dict[int, set[StreamReceiver]] = {}

    def add_receiver(self, project: int, receiver: StreamReceiver) -> None:
        """Add a receiver of the debug streams of a project."""
        self._receivers.setdefault(project, set()).add(receiver)

    def remove_receiver(self, project: int, receiver: StreamReceiver) -> None:
        """Remove a receiver of debug streams."""
        receivers = self._receivers.get(project, set())
        receivers.discard(receiver)
        if not receivers:
            self._receivers.pop(project, None)

    def publish_stream(self, project: int, stream: int, message: Mapping[str, Any]) -> None:
        """Pass a message of a debug stream to the receivers of its project."""
        for receiver in tuple(self._receivers.get(project, ())):
            receiver(stream, message)

    def subscribe(self, job: int, subscriber: Subscriber) -> None:
        """Add a subscriber to a job."""
        self._subscribers.setdefault(job, set()).add(subscriber)

    def unsubscribe(self, job: int, subscriber: Subscriber) -> None:
        """Remove a subscriber from a job."""
        subscribers = self._subscribers.get(job, set())
        subscribers.discard(subscriber)
        if not subscribers:
            self._subscribers.pop(job, None)

    def publish_line(self, job: int, text: str) -> None:
        """Pass a new line of a job's log to its subscribers."""
        for subscriber in tuple(self._subscribers.get(job, ())):
            subscriber(text, None)

    def publish_end(self, job: int, success: bool) -> None:
        """Inform the subscribers that a job has ended."""
        for subscriber in tuple(self._subscribers.get(job, ())):
            subscriber("", success)


TOKEN_LIFETIME_S = 3600.0
MOST_TOKENS = 10_000


class Tokens:
    """The tokens of live log connections. They are kept in memory; after a restart a client requests a new one."""

    def __init__(self, lifetime_s: float = TOKEN_LIFETIME_S) -> None:
        self.lifetime_s = lifetime_s
        self._issued: dict[str, tuple[int, float]] = {}  # id of the API key, expiry
        self._lock = threading.Lock()

    def issue(self, key: int) -> tuple[str, float]:
        """Return a new token for an API key's id, and its lifetime in s. Past `MOST_TOKENS` the oldest is dropped."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            if len(self._issued) >= MOST_TOKENS:
                self._issued.pop(next(iter(self._issued)))
            self._issued[token] = (key, time.monotonic() + self.lifetime_s)
        return token, self.lifetime_s

    def key(self, token: str) -> int | None:
        """Return the id of the API key that a token was issued for; None if it is unknown or has expired."""
        with self._lock:
            key, expiry = self._issued.get(token, (None, 0.0))
        return key if time.monotonic() < expiry else None
