"""A real local studio, windows to upload, and a proxy with the faults of networks."""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.client.endpoint import Endpoint
from ei_toolkit.client.impulse.current import current_impulse
from ei_toolkit.client.project import Studio, open_studio
from ei_toolkit.client.transport import Transport
from ei_toolkit.config import ProjectPaths
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.studio import lifecycle as launch
from ei_toolkit.studio import lifecycle as running

RATE = 16_000
KEY = "ei_" + "5ecret" * 8
Serve = Callable[[type[BaseHTTPRequestHandler]], str]


@pytest.fixture(scope="session")
def local_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[launch.LocalStudio]:
    """A local studio for the tests, in a process of its own."""
    paths = ProjectPaths(tmp_path_factory.mktemp("studio"))
    try:
        yield launch.ensure(paths, "api tests", idle_s=3600)
    finally:
        running.stop(paths.studio)


@pytest.fixture
def endpoint(local_studio: launch.LocalStudio) -> Endpoint:
    return Endpoint(local_studio.api_url, local_studio.ingestion_url, local_studio.key, 0, "local")


@pytest.fixture
def studio(endpoint: Endpoint) -> Studio:
    """The studio's project, with no samples and no impulse in it."""
    found = open_studio(Transport(endpoint))
    found.transport.post(found.path("raw-data", "delete-all"))
    while current_impulse(found):
        found.transport.delete(found.path("impulse"))
    return found


@pytest.fixture
def make_manifest() -> Callable[..., Path]:
    """Writes a manifest of different short windows: `per_clip` of each clip, half of the clips for each label."""

    def make(folder: Path, count: int, *, seed: int = 0, per_clip: int = 10, milliseconds: int = 20) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        windows = []
        for number in range(count):
            content = wav_bytes(rng.integers(-3000, 3000, RATE * milliseconds // 1000, np.int16), RATE)
            digest = hashlib.sha256(content).hexdigest()
            clip, start = number // per_clip, number % per_clip * 10
            label = "rock" if clip % 2 else "classical"
            split = "testing" if clip % 5 == 4 else "training"
            name = f"{label}.{clip:04d}.{start}.{digest[:12]}.wav"
            (folder / name).write_bytes(content)
            traced = (f"{label}/{clip:04d}.wav", "0" * 64, f"a{clip % 7}")
            augmentation = "pink12.5 gain-3.0" if number % 3 == 1 else ""
            windows.append(Window(name, digest, *traced, start, label, split, augmentation))
        Manifest(tuple(windows)).write(folder / "manifest.csv")
        return folder / "manifest.csv"

    return make


@dataclass
class FaultPlan:
    """The fault of the next request; the fraction `rate` of them has one, chosen by a seeded generator."""

    rate: float
    seed: int
    met: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()

    def next(self) -> str:
        with self._lock:
            fault = self._random.choice(FAULTS) if self._random.random() < self.rate else "none"
            self.met[fault] = self.met.get(fault, 0) + 1
            return fault


FAULTS = ("drop mid-body", "drop answer", "delay", "429", "500", "413", "cut answer", "cut json", "repeat")


class FaultHandler(BaseHTTPRequestHandler):
    """Passes requests on to `upstream`, with the faults of the plan."""

    protocol_version = "HTTP/1.1"
    plan: FaultPlan
    upstream: str

    def do_POST(self) -> None:
        fault = self.plan.next()
        length = int(self.headers["Content-Length"])
        if fault == "drop mid-body":
            self.rfile.read(length // 2)
            self._hang_up()
            return
        body = self.rfile.read(length)
        if fault == "delay":
            time.sleep(0.1)
        if fault in ("429", "500", "413"):
            first = fault == "429" and self.plan.met[fault] == 1
            self._answer(int(fault), b'{"success":false,"error":"made up"}', {"Retry-After": "1"} if first else {})
            return
        if fault == "repeat":
            self._pass_on(body)
        status, answer = self._pass_on(body)
        if fault == "drop answer":
            self._hang_up()
        elif fault == "cut answer":
            self._answer(status, answer[: len(answer) // 2], {"Content-Length": str(len(answer))})
            self._hang_up()
        else:
            self._answer(status, answer[: len(answer) // 2] if fault == "cut json" else answer, {})

    def _pass_on(self, body: bytes) -> tuple[int, bytes]:
        parts = urlsplit(self.upstream)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        try:
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _hang_up(self) -> None:
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class QuietServer(socketserver.ThreadingTCPServer):
    """A server that does not print the errors of closed connections."""

    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a handler on a free loopback port and returns its address."""
    servers = []

    def start(handler: type[BaseHTTPRequestHandler]) -> str:
        server = QuietServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def fault_proxy(
    serve: Callable[[type[BaseHTTPRequestHandler]], str],
) -> Callable[[str, float, int], tuple[str, FaultPlan]]:
    """A proxy for an address; returns its own address and the plan that counts the faults."""

    def start(upstream: str, rate: float, seed: int) -> tuple[str, FaultPlan]:
        plan = FaultPlan(rate, seed)
        return serve(type("Handler", (FaultHandler,), {"plan": plan, "upstream": upstream})), plan

    return start


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
    from the front; its last one remains.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    seen: list[Received] = field(default_factory=list)
    studio: Studio = field(init=False)

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


@pytest.fixture
def scripted_studio(serve: Serve) -> ScriptedStudio:
    """A scripted server, and project 1 of it behind the real transport of the client."""
    script = ScriptedStudio()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            path = parts.path.removeprefix("/v1")
            status, content, headers = script.answer(Received(self.command, path, query, body, self.headers))
            self.send_response_only(status)  # without the headers of this server, such as Date
            sent = {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}
            for name, value in sent.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_DELETE = do_GET

        def log_message(self, *_: object) -> None:
            pass

    url = serve(Handler)
    script.studio = Studio(Transport(Endpoint(f"{url}/v1", url, KEY, name="local")), 1)
    return script
