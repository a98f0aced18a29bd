"""Tokens that open the live log of one project for a while."""

from __future__ import annotations

import secrets
import threading
import time

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
