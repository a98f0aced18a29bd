"""A studio in this process, whose services are called without a network: `from studio_in_process import ...`."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from ei_toolkit.studio.context import Studio
from ei_toolkit.studio.http.app import API_ROUTERS, api_app, ingestion_app
from ei_toolkit.studio.jobs.compute_client import ComputeWorker
from ei_toolkit.studio.jobs.compute_worker import respond
from ei_toolkit.studio.jobs.inspectors import Inspectors
from ei_toolkit.studio.jobs.task import Task, job_function
from ei_toolkit.studio.options import Options


def routes(project: int = 1) -> Iterator[tuple[str, str]]:
    """Verb and path of every route of the API; ids are 1, names are `training`."""
    for router in API_ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and "{path:path}" not in route.path:
                path = re.sub(r"\{projectId:int\}", str(project), route.path)
                path = re.sub(r"\{\w+\}", "training", re.sub(r"\{\w+:int\}", "1", path))
                yield from ((verb, path) for verb in sorted(route.methods or ()))


class LocalComputation(ComputeWorker):
    """Computes in this process what a compute worker computes in its own."""

    def _exchange(self, operation: str, request: bytes) -> dict[str, Any]:
        response: dict[str, Any] = json.loads(json.dumps(respond(json.loads(request))))
        return response


class LocalInspection(Inspectors):
    """Reads uploaded files in this process."""

    def inspect(self, key: int, **arguments: Any) -> dict[str, Any]:
        found: dict[str, Any] = LocalComputation(Options(Path())).compute("inspect", **arguments)
        return found


def open_studio(data: Path) -> Studio:
    """Open a data folder; computations run in this process."""
    options = Options(data)
    return replace(Studio.open(options), compute_worker=LocalComputation(options), inspectors=LocalInspection(options))


@dataclass(frozen=True)
class RecordingTask(Task):
    """A job in this process; it keeps the lines of its log."""

    lines: list[str] = field(default_factory=list)

    def log(self, line: str) -> None:
        self.lines.append(line)


@dataclass
class Api:
    """The two services of a studio in this process, which are called without a network. Project 1 exists."""

    data: Path
    keys: dict[str, str]
    studio: Studio
    loop: asyncio.Runner

    def call(self, verb: str, path: str, role: str = "admin", **arguments: Any) -> httpx.Response:
        """Send a request to the API; the path begins after `/v1/api`."""
        headers = {"x-api-key": self.keys[role], **arguments.pop("headers", {})}
        return self.send(api_app(self.studio), verb, f"/v1/api{path}", headers=headers, **arguments)

    def send(self, app: ASGIApp, verb: str, path: str, **arguments: Any) -> httpx.Response:
        """Send a request without a key to one of the two services."""
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)

        async def request() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:4800") as client:
                return await client.request(verb, path, **arguments)

        return self.loop.run(request())

    def json(self, verb: str, path: str, role: str = "admin", **arguments: Any) -> dict[str, Any]:
        """Return the JSON object of a response."""
        document: dict[str, Any] = self.call(verb, path, role, **arguments).json()
        return document

    def fields(self, verb: str, path: str, role: str = "admin", **arguments: Any) -> dict[str, Any]:
        """Return the fields of a response without `success`, which must be true."""
        document = self.json(verb, path, role, **arguments)
        assert document.pop("success") is True, document
        return document

    def error(self, verb: str, path: str, role: str = "admin", **arguments: Any) -> str:
        """Return the message of a response that reports an error of the request's logic (status 200)."""
        response = self.call(verb, path, role, **arguments)
        document = response.json()
        assert (response.status_code, document["success"]) == (200, False), document
        return str(document["error"])

    def upload(self, files: dict[str, bytes], category: str = "training", **headers: str) -> list[int]:
        """Upload files; return the ids of the samples. `x_label` is the header `x-label`."""
        sent = {"x-api-key": self.keys["admin"], **{name.replace("_", "-"): value for name, value in headers.items()}}
        parts = [("data", (name, data, "audio/wav")) for name, data in files.items()]
        path = f"/api/{category}/files"
        outcomes = self.send(ingestion_app(self.studio), "POST", path, files=parts, headers=sent).json()["files"]
        assert all(outcome["success"] for outcome in outcomes), outcomes
        return [outcome["sampleId"] for outcome in outcomes]

    def run(self, job: int) -> list[str]:
        """Run a queued job in this process, as the runner does in another one; return the lines of its log."""
        store = self.studio.store
        assert store.jobs.start(job)
        task = RecordingTask(store, store.jobs.by_id(job), self.data, self.studio.options.allow_scripts)
        job_function(task.job.kind)(task)
        for line in task.lines:
            self.studio.runner.log(job).append(line)
        store.jobs.finish(job, success=True, seconds=0.5)
        return task.lines
