"""A scripted studio: a small HTTP server that answers with what a test states, for errors that no real studio makes."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ei_toolkit.client.endpoint import Endpoint
from ei_toolkit.client.project import Studio
from ei_toolkit.client.transport import Transport

KEY = "ei_" + "5ecret" * 8


class QuietServer(socketserver.ThreadingTCPServer):
    """A server that does not print the errors of closed connections."""

    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: object) -> None:
        pass


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve a handler on a free loopback port; the value is its address."""
    server = QuietServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Received:
    """One request as a server gets it."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """The body as JSON; None where there is none."""
        return json.loads(self.body) if self.body else None


Answer = tuple[int, bytes, dict[str, str]]


@dataclass
class ScriptedStudio:
    """A small HTTP server that answers with what a test states for each path, and records what it receives.

    An answer is the fields of a successful JSON response, or (status, body, headers). A list of answers is used up
    from the front; its last one remains. `studio` is project 1 of it behind the real transport of the client, `environ`
    makes a command line use it.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    seen: list[Received] = field(default_factory=list)
    studio: Studio = field(init=False)
    environ: dict[str, str] = field(init=False)

    def requests(self, method: str = "") -> list[str]:
        """Method and path of each request, or of those with one method."""
        return [f"{one.method} {one.path}" for one in self.seen if method in ("", one.method)]

    def answer(self, received: Received) -> Answer:
        """Return the next answer for a path; an error of the API for a path without any."""
        self.seen.append(received)
        found = self.answers.get(f"{received.method} {received.path}", self.answers.get(received.path))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if callable(found):
            found = found(received)
        if isinstance(found, tuple):
            return found
        if found is None:
            found = {"success": False, "error": f"no answer for {received.path}"}
        return 200, json.dumps({"success": True, **found}).encode(), {}


@contextmanager
def scripted_studio() -> Iterator[ScriptedStudio]:
    """Run a scripted studio without any answers yet."""
    script = ScriptedStudio()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            path = parts.path.removeprefix("/v1")
            status, content, headers = script.answer(
                Received(self.command, path, query, body, dict(self.headers.items()))
            )
            self.send_response_only(status)  # without the headers of this server, such as Date
            sent = {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}
            for name, value in sent.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_DELETE = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with served(Handler) as url:
        script.studio = Studio(Transport(Endpoint(f"{url}/v1", url, KEY, name="local")), 1)
        script.environ = {
            "EITK_STUDIO_URL": f"{url}/v1", "EITK_STUDIO_INGESTION_URL": url, "EITK_STUDIO_PROJECT": "1",
            "EI_API_KEY": KEY,
        }  # fmt: skip
        yield script
