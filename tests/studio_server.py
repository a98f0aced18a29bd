"""A studio as a process, with a data folder of its own and a key of every role: `from studio_server import ...`."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from ei_toolkit.studio.lifecycle import spawn_server, status
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.keys import ROLES, new_secret


@dataclass
class Server:
    """A server process on a data folder; it may be killed and started again."""

    data: Path
    keys: dict[str, str]
    flags: list[str] = field(default_factory=list)
    pid: int = 0
    api: str = ""
    ingestion: str = ""

    def start(self) -> None:
        self.pid = spawn_server(self.data, ["--port", "0", "--ingestion-port", "0", *self.flags])
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if (running := status(self.data)) and running.pid == self.pid:
                self.api, self.ingestion = f"{running.api_url}/api", f"{running.ingestion_url}/api"
                return
            time.sleep(0.02)
        raise AssertionError((self.data / "server.log").read_text())

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        os.kill(self.pid, number)
        os.waitpid(self.pid, 0)

    def call(self, verb: str, path: str, role: str = "admin", **arguments: Any) -> requests.Response:
        headers = {"x-api-key": self.keys[role], **arguments.pop("headers", {})}
        return requests.request(verb, self.api + path, headers=headers, timeout=60, **arguments)

    def json(self, verb: str, path: str, role: str = "admin", **arguments: Any) -> dict[str, Any]:
        return self.call(verb, path, role, **arguments).json()

    def upload(self, files: dict[str, bytes], category: str = "training", role: str = "admin", **headers: str) -> Any:
        parts = [("data", (name, data, "audio/wav")) for name, data in files.items()]
        headers = {"x-api-key": self.keys[role], **{name.replace("_", "-"): value for name, value in headers.items()}}
        return requests.post(f"{self.ingestion}/{category}/files", files=parts, headers=headers, timeout=60)

    def wait(self, job: int, seconds: float = 60) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = self.json("GET", f"/1/jobs/{job}/status")["job"]
            if "finished" in found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"job {job} did not end")


def make_data(folder: Path) -> dict[str, str]:
    """A data folder with one project and a key of every role."""
    store = Store.open(folder)
    project = store.projects.create("Test Project")
    keys: dict[str, str] = {role: new_secret() for role in ROLES}
    for role in ROLES:
        store.keys.add(project.id, role, role, keys[role])
    store.close()
    return keys
