"""An HTTP server on loopback that misbehaves as it is answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Place:
    """What the server has, and how each request in turn is answered; the last way stays.

    Ways: "whole", "cut" (end after half of the piece), "stall" (stop sending), "drip" (a hundred bytes a second),
    "corrupt" (one byte wrong), "busy" (503), "gone" (404), "no ranges" (always everything), "wrong range", "lie"
    (announces more than it has).
    """

    data: bytes = b""
    etag: str | None = '"v1"'
    ways: list[str] = field(default_factory=lambda: ["whole"])
    url: str = ""
    ranges: list[str | None] = field(default_factory=list)

    def next_way(self) -> str:
        return self.ways.pop(0) if len(self.ways) > 1 else self.ways[0]


class Handler(BaseHTTPRequestHandler):
    place: Place

    def do_GET(self) -> None:
        place, way = self.place, self.place.next_way()
        asked = self.headers.get("Range")
        place.ranges.append(asked)
        if way in ("busy", "gone"):
            self.answer(503 if way == "busy" else 404, b"", {"Retry-After": "0"})
            return
        same = place.etag is not None and self.headers.get("If-Range") == place.etag
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and same and way != "no ranges" else None
        if start is not None and start >= len(place.data):
            self.answer(416, b"", {"Content-Range": f"bytes */{len(place.data)}"})
            return
        self.send_piece(way, start)

    def send_piece(self, way: str, start: int | None) -> None:
        data = bytearray(self.place.data[start or 0 :])
        headers = {} if self.place.etag is None else {"ETag": self.place.etag}
        if start is not None:
            shown = start + (7 if way == "wrong range" else 0)
            headers["Content-Range"] = f"bytes {shown}-{len(self.place.data) - 1}/{len(self.place.data)}"
        if way == "corrupt":
            data[len(data) // 3] ^= 1
        if way == "lie":
            headers["Content-Length"] = str(9 << 30)
        self.answer(200 if start is None else 206, bytes(data), headers, way)

    def answer(self, code: int, data: bytes, headers: dict[str, str], way: str = "whole") -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if way == "drip":
            self.drip(data)
        self.wfile.write(data[: len(data) // 2] if way in ("cut", "stall") else data)
        self.wfile.flush()
        if way == "stall":
            time.sleep(1.5)
        self.close_connection = True

    def drip(self, data: bytes) -> None:
        for byte in data:
            self.wfile.write(bytes([byte]))
            time.sleep(0.01)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[..., Place]]:
    """Function that starts a server: serve(data=…, ways=[…])."""
    servers: list[ThreadingHTTPServer] = []

    def start(**arguments: object) -> Place:
        place = Place(**arguments)  # type: ignore[arg-type]
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"place": place}))
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        place.url = f"http://127.0.0.1:{server.server_port}/genres.tar.gz"
        return place

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
