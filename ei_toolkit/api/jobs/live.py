"""The live log as a bell: the socket says that there is something new, the log itself says what.

So what is shown has one source, in order and without doubles, whether the socket works or not.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from ei_toolkit.api.answer import Answer
from ei_toolkit.api.project import Studio
from ei_toolkit.errors import EitkError

if TYPE_CHECKING:
    import socketio

CONNECT_S = 5


class Bell:
    """Rings when a job's log grows or the job ends. Where no socket can be had it never rings, and `live` is false."""

    def __init__(self, studio: Studio, job: int) -> None:
        self._rung = threading.Event()
        self._socket = _connect(studio, job, self._rung)

    @property
    def live(self) -> bool:
        """Whether the socket is up."""
        return self._socket is not None and bool(self._socket.connected)

    def wait(self, seconds: float) -> bool:
        """Wait until the bell rings, at most so long; whether it rang."""
        rang = self._rung.wait(seconds)
        self._rung.clear()
        return rang

    def close(self) -> None:
        """Leave the socket."""
        if self._socket is not None:
            self._socket.disconnect()


def _connect(studio: Studio, job: int, rung: threading.Event) -> socketio.Client | None:
    """A socket that subscribes to a job each time it connects; None where the studio has none to offer."""
    import socketio
    from socketio.exceptions import SocketIOError

    silent = logging.getLogger(f"{__name__}.silent")
    silent.disabled = True  # its libraries print what they cannot do about a lost connection; polling goes on anyway
    client = socketio.Client(
        reconnection_attempts=0,
        reconnection_delay=1,
        reconnection_delay_max=10,
        logger=silent,
        engineio_logger=silent,
    )

    def subscribe() -> None:
        client.emit("start-log-stream", {"jobId": job})
        rung.set()

    def news(event: str, *_: Any) -> None:
        if event in (f"job-data-{job}", f"job-finished-{job}", "job-finished"):
            rung.set()

    client.on("connect", subscribe)
    client.on("*", news)
    try:
        client.connect(_address(studio), transports=["websocket"], wait_timeout=CONNECT_S)
    except (EitkError, SocketIOError, OSError):
        return None  # polling does as well, only later
    return client


def _address(studio: Studio) -> str:
    answer = Answer(studio.transport.get(studio.path("socket-token")), "the socket's token")
    token = answer.object("token").text("socketToken")
    parts = urlsplit(studio.transport.endpoint.api_url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{scheme}://{parts.netloc}/?{urlencode({'token': token, 'onDemandLogs': 'true'})}"
