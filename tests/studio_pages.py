"""A project and a window of the studio in Chromium: `from studio_pages import ...`; the fixtures are in browser/."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from studio_server import Server

from ei_toolkit.studio.lifecycle import sign_in_url
from ei_toolkit.studio.options import RunningServer


@dataclass
class Project:
    """A project of the studio, with its API and its pages."""

    studio: Server
    id: int
    key: str

    def call(self, verb: str, path: str, **arguments: Any) -> dict[str, Any]:
        """Send a request with the key of the project; the path begins after the id of the project."""
        address, headers = f"{self.studio.api}/{self.id}{path}", {"x-api-key": self.key}
        document: dict[str, Any] = requests.request(verb, address, headers=headers, timeout=60, **arguments).json()
        assert document["success"], document
        return document

    def upload(self, files: dict[str, bytes], category: str = "training", **headers: str) -> list[int]:
        """Upload files; return the ids of the samples. `x_label` is the header `x-label`."""
        sent = {"x-api-key": self.key, **{name.replace("_", "-"): value for name, value in headers.items()}}
        parts = [("data", (name, data, "audio/wav")) for name, data in files.items()]
        url = f"{self.studio.ingestion}/{category}/files"
        outcomes = requests.post(url, files=parts, headers=sent, timeout=60).json()["files"]
        assert all(outcome["success"] for outcome in outcomes), outcomes
        return [outcome["sampleId"] for outcome in outcomes]

    def samples(self, category: str = "all") -> list[dict[str, Any]]:
        """Return the samples, the newest first."""
        found: list[dict[str, Any]] = self.call("GET", "/raw-data", params={"category": category})["samples"]
        return found

    @property
    def sign_in_url(self) -> str:
        """A new address that signs a browser in."""
        running = RunningServer.read(self.studio.data)
        assert running is not None
        return sign_in_url(running, self.key)


@dataclass
class Window:
    """A window of the browser that is signed in. `complaints` are errors of scripts and lines of the console."""

    project: Project
    page: Any
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def open(self, path: str) -> Any:
        """Go to an address below the project, `acquisition?label=rock`; return Playwright's page."""
        self.page.goto(f"{self.project.studio.api.removesuffix('/v1/api')}/studio/{self.project.id}/{path}")
        self.page.wait_for_selector("main:not(:has(> p[role=status])) h1")  # signed in, and the page itself is loaded
        return self.page


def file_in(folder: Path, name: str, content: bytes) -> Path:
    """Write a file for an upload by the browser."""
    file = folder / name
    file.write_bytes(content)
    return file
