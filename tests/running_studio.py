"""A studio in this process whose three services listen on ports: `from running_studio import ...`."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests
from studio_in_process import open_studio

from ei_toolkit.client.endpoint import Endpoint
from ei_toolkit.studio import server
from ei_toolkit.studio.http.app import api_app, ingestion_app, remote_management_app
from ei_toolkit.studio.http.connections import Connections
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.keys import new_secret


class RunningStudio:
    """Serves an empty project; it may be stopped and started again on the same ports."""

    def __init__(self, data: Path, ports: Sequence[int] = (0, 0, 0)) -> None:
        self.data, self.key = data, new_secret()
        store = Store.open(data)
        self.key_id = store.keys.add(store.projects.create("Test Project").id, "admin", "admin", self.key)
        store.close()
        self.ports = list(ports)
        self.start()

    def start(self) -> None:
        self.studio = open_studio(self.data)
        listeners = [socket.create_server(("127.0.0.1", port)) for port in self.ports]
        self.ports = [listener.getsockname()[1] for listener in listeners]
        connections = Connections(100)
        apps = (api_app, ingestion_app, remote_management_app)
        self._servers = [server._server(app(self.studio), connections) for app in apps]
        self._ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(listeners),))
        self._thread.start()
        assert self._ready.wait(10)

    async def _serve(self, listeners: list[socket.socket]) -> None:
        tasks = [asyncio.create_task(one.serve([port])) for one, port in zip(self._servers, listeners, strict=True)]
        while not all(one.started for one in self._servers):
            await asyncio.sleep(0.001)
        self._ready.set()
        await asyncio.gather(*tasks)

    def stop(self) -> None:
        for one in self._servers:
            one.should_exit = one.force_exit = True
        self._thread.join()
        self.studio.close()

    def endpoint(self) -> Endpoint:
        api, ingestion, devices = (f"127.0.0.1:{port}" for port in self.ports)
        return Endpoint(f"http://{api}/v1", f"http://{ingestion}", self.key, 1, "", f"ws://{devices}")

    def call(self, verb: str, path: str, **arguments: Any) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.ports[0]}/v1/api/1{path}"
        answer: dict[str, Any] = requests.request(
            verb, url, headers={"x-api-key": self.key}, timeout=20, **arguments
        ).json()
        return answer
