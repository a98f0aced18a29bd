"""Sessions of browsers: one-time tokens that sign in, and the sessions that they become. Both are kept in memory."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from dataclasses import dataclass, field

TOKEN_LIFETIME_S = 60.0
SESSION_LIFETIME_S = 12 * 3600.0
MOST_ENTRIES = 1000  # tokens, and sessions; past it the oldest is dropped


@dataclass(frozen=True)
class BrowserSession:
    """A signed-in browser: the id of its API key, and the token that each request which changes something carries."""

    key: int
    csrf_token: str = field(repr=False)
    expiry: float
    """Time of `time.monotonic()`."""

    def has_csrf_token(self, presented: str) -> bool:
        """Compare a presented CSRF token in constant time."""
        return hmac.compare_digest(self.csrf_token.encode(), presented.encode("utf-8", "replace"))


class Sessions:
    """The one-time tokens and the sessions of one server. After a restart, `eitk studio open` signs in again."""

    def __init__(self, token_lifetime_s: float = TOKEN_LIFETIME_S, lifetime_s: float = SESSION_LIFETIME_S) -> None:
        self.token_lifetime_s, self.lifetime_s = token_lifetime_s, lifetime_s
        self._tokens: dict[str, tuple[int, float]] = {}  # id of the API key, expiry
        self._sessions: dict[str, BrowserSession] = {}
        self._lock = threading.Lock()

    def issue_token(self, key: int) -> str:
        """Return a token that signs in once, within `token_lifetime_s`, with the rights of an API key."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            _make_room(self._tokens)
            self._tokens[token] = (key, time.monotonic() + self.token_lifetime_s)
        return token

    def sign_in(self, token: str) -> tuple[str, BrowserSession] | None:
        """Exchange a token for the secret of a new session; None if it is unknown, was used, or is too old."""
        with self._lock:
            key, expiry = self._tokens.pop(token, (0, 0.0))
            if time.monotonic() >= expiry:
                return None
            secret = secrets.token_urlsafe(32)
            session = BrowserSession(key, secrets.token_urlsafe(32), time.monotonic() + self.lifetime_s)
            _make_room(self._sessions)
            self._sessions[secret] = session
        return secret, session

    def find(self, secret: str) -> BrowserSession | None:
        """Return the session with a secret; None if there is none, or it has expired."""
        with self._lock:
            session = self._sessions.get(secret)
        return session if session and time.monotonic() < session.expiry else None

    def sign_out(self, secret: str) -> None:
        """End a session; nothing happens if there is none."""
        with self._lock:
            self._sessions.pop(secret, None)


def _make_room(entries: dict[str, tuple[int, float]] | dict[str, BrowserSession]) -> None:
    while len(entries) >= MOST_ENTRIES:
        entries.pop(next(iter(entries)))
