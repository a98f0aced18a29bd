"""What stands before the routes: whose name the request calls, how large its body is, that somebody is here."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ei_toolkit.studio.context import Activity
from ei_toolkit.studio.http.errors import TooLarge
from ei_toolkit.studio.http.responses import failure

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
EVERYWHERE = ("0.0.0.0", "::")
LARGEST_BODY = 256 * 2**20  # an uploaded model with its data, streamed to disk; JSON has narrower bounds (access.py)
LARGEST_REQUEST = 1000 * 101 * 2**20


class Guard:
    """ASGI middleware: refuses foreign Host headers (DNS rebinding), bounds bodies, counts activity."""

    def __init__(self, app: ASGIApp, activity: Activity, host: str, largest_body: int) -> None:
        self.app, self.activity, self.largest_body = app, activity, largest_body
        self.hosts = LOOPBACK_NAMES | {f"[{host}]" if ":" in host else host}
        self.any_address = host in EVERYWHERE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        self.activity.begin()
        try:
            await self._checked(scope, receive, send)
        finally:
            self.activity.end()

    async def _checked(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not self._is_ours(_hostname(headers.get("host", ""))):
            await self._refuse(scope, receive, send, "This studio does not answer to that host name", 421)
        elif _length(headers) > self.largest_body:
            await self._refuse(scope, receive, send, "The body is too large", 413)
        else:
            await self.app(scope, _bounded(receive, self.largest_body), send)

    def _is_ours(self, name: str) -> bool:
        """Known names; every literal address too if all are listened on, since rebinding takes a name."""
        return name in self.hosts or (self.any_address and _is_address(name))

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, message: str, status: int) -> None:
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
    return int(text) if text.isdigit() else 0


def _bounded(receive: Receive, largest: int) -> Receive:
    """A receive that stops a chunked body at its bound."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message: Message = await receive()
        seen += len(message.get("body") or b"")
        if seen > largest:
            raise TooLarge("The body is too large")
        return message

    return bounded
