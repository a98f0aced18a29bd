"""ASGI middleware in front of the routes: checks the Host header, limits bodies, records activity, adds headers."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ei_toolkit.config.units import mib
from ei_toolkit.studio.context import Activity
from ei_toolkit.studio.http.errors import TooLarge
from ei_toolkit.studio.http.responses import failure

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
EVERYWHERE = ("0.0.0.0", "::")
LARGEST_BODY = 256 * 2**20  # bytes: a model with its data, streamed to disk; JSON bodies have lower limits
LARGEST_REQUEST = 1000 * 101 * 2**20
SECURITY_HEADERS = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""What a browser must not do with a response; a route may have sent another policy already."""
LONGEST_LENGTH = 20  # digits of Content-Length that are read: enough to be over every limit


class Guard:
    """Rejects unknown Host headers (DNS rebinding) and bodies over `largest_body` bytes; counts active requests.

    Each response has SECURITY_HEADERS.
    """

    def __init__(self, app: ASGIApp, activity: Activity, host: str, largest_body: int) -> None:
        self.app, self.activity, self.largest_body = app, activity, largest_body
        self.hosts = LOOPBACK_NAMES | {f"[{host}]" if ":" in host else host}
        self.any_address = host in EVERYWHERE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        self.activity.begin()
        try:
            await self._checked(scope, receive, _with_security_headers(send))
        finally:
            self.activity.end()

    async def _checked(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        name = _hostname(headers.get("host", ""))
        if not self._is_served(name):
            await self._reject(
                scope, receive, send, f"The host name {name[:100]!r} is not served by this studio: use 127.0.0.1", 421
            )
        elif _length(headers) > self.largest_body:
            await self._reject(scope, receive, send, _too_large(self.largest_body), 413)
        else:
            await self.app(scope, _bounded(receive, self.largest_body), send)

    def _is_served(self, name: str) -> bool:
        """Accept known names, and each numeric address if the studio listens on all: DNS rebinding needs a name."""
        return name in self.hosts or (self.any_address and _is_address(name))

    async def _reject(self, scope: Scope, receive: Receive, send: Send, message: str, status: int) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await failure(message, status)(scope, receive, send)


def _hostname(host: str) -> str:
    name, _, port = host.rpartition(":")
    return (name if port.isdigit() else host).lower()


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _length(headers: dict[str, str]) -> int:
    text = headers.get("content-length", "0")
    return int(text[:LONGEST_LENGTH]) if text.isascii() and text.isdigit() else 0


def _too_large(largest: int) -> str:
    return f"The body has more than the {mib(largest)} that are accepted"


def _with_security_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name for name, _ in message["headers"]}
            missing = [header for header in SECURITY_HEADERS if header[0] not in present]
            message = {**message, "headers": [*message["headers"], *missing]}
        await send(message)

    return send_with_headers


def _bounded(receive: Receive, largest: int) -> Receive:
    """Return a receive function that stops a chunked body at `largest` bytes."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message: Message = await receive()
        seen += len(message.get("body") or b"")
        if seen > largest:
            raise TooLarge(_too_large(largest))
        return message

    return bounded
