"""Who listens to which job. Lives in the server's event loop; nothing here waits."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

Listener = Callable[[str, bool | None], None]  # a line of the log, or the end: ("", success)


class Hub:
    """Hands each line of a job's log to everybody who listens."""

    def __init__(self) -> None:
        self._listeners: dict[int, set[Listener]] = {}

    def listen(self, job: int, listener: Listener) -> None:
        """Start to hear a job."""
        self._listeners.setdefault(job, set()).add(listener)

    def leave(self, job: int, listener: Listener) -> None:
        """Stop hearing a job."""
        listeners = self._listeners.get(job, set())
        listeners.discard(listener)
        if not listeners:
            self._listeners.pop(job, None)

    def line(self, job: int, text: str) -> None:
        """A new line of a job's log."""
        for listener in tuple(self._listeners.get(job, ())):
            listener(text, None)

    def end(self, job: int, success: bool) -> None:
        """A job has ended."""
        for listener in tuple(self._listeners.get(job, ())):
            listener("", success)


LIFETIME_S = 3600.0
MOST_TOKENS = 10_000


class Tokens:
    """Tokens in memory: a client that outlives the server asks for a new one."""

    def __init__(self) -> None:
        self._issued: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def issue(self, project: int) -> tuple[str, float]:
        """A new token and the seconds it lives."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            if len(self._issued) >= MOST_TOKENS:
                self._issued.pop(next(iter(self._issued)))
            self._issued[token] = (project, time.monotonic() + LIFETIME_S)
        return token, LIFETIME_S

    def project(self, token: str) -> int | None:
        """The project that a token opens, if it is good."""
        with self._lock:
            project, until = self._issued.get(token, (None, 0.0))
        return project if time.monotonic() < until else None
