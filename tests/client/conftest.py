"""A real local studio, windows to upload, and a proxy with the faults of networks."""

from __future__ import annotations

import hashlib
import http.client
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from scripted_studio import ScriptedStudio, served
from scripted_studio import scripted_studio as scripted_studio_running

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


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a handler on a free loopback port and returns its address."""
    with ExitStack() as stack:
        yield lambda handler: stack.enter_context(served(handler))


@pytest.fixture
def fault_proxy(
    serve: Callable[[type[BaseHTTPRequestHandler]], str],
) -> Callable[[str, float, int], tuple[str, FaultPlan]]:
    """A proxy for an address; returns its own address and the plan that counts the faults."""

    def start(upstream: str, rate: float, seed: int) -> tuple[str, FaultPlan]:
        plan = FaultPlan(rate, seed)
        return serve(type("Handler", (FaultHandler,), {"plan": plan, "upstream": upstream})), plan

    return start


@pytest.fixture
def scripted_studio() -> Iterator[ScriptedStudio]:
    """A studio that answers as the test states."""
    with scripted_studio_running() as script:
        yield script
