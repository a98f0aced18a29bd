"""Projects that an older eitk wrote, unpacked for tests, and the command line to try on them."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from support import Outcome, eitk

ARCHIVE = Path(__file__).parent / "data" / "14dd2da.tar.xz"


@dataclass(frozen=True)
class StoredProject:
    """One unpacked project folder."""

    folder: Path

    def run(self, *words: str, code: int = 0) -> Outcome:
        """Run a command as a user does, in this process; it must end with the exit code."""
        done = eitk(self.folder, *words, environ={"HOME": str(self.folder), "PATH": os.environ["PATH"]})
        assert done.code == code, f"{words} ended with {done.code}: {done.err}"
        return done

    def eitk(self, *words: str, code: int = 0) -> Any:
        """Run a command with --json; returns its last line."""
        return json.loads(self.run(*words, "--json", code=code).out.splitlines()[-1])

    def nightly(self, *words: str) -> dict[str, Any]:
        """Run `eitk nightly --json` in a process of its own, whose output its commands share."""
        done = subprocess.run(
            [sys.executable, "-m", "ei_toolkit", "nightly", *words, "--json"],
            cwd=self.folder,
            env=os.environ | {"HOME": str(self.folder)},
            stdout=subprocess.PIPE,
            check=True,
        )
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def api(self, project: int = 1) -> Api:
        """The HTTP API of the project's studio, started where it does not run."""
        self.eitk("samples", "count")
        key = (self.folder / ".eitk/studio/key").read_text()
        if project != 1:
            key = self.eitk("studio", "keys", "add", "--project", str(project), "--role", "admin")["key"]
        return Api(f"{self.eitk('studio', 'status')['api_url']}/api/{project}", key)

    def stored(self, name: str) -> bytes:
        """A file as it was written, whatever has become of it."""
        with tarfile.open(ARCHIVE) as tar:
            file = tar.extractfile(f"eitk-project/{self.folder.name}/{name}")
            assert file is not None
            return file.read()

    @property
    def stored_lock(self) -> dict[str, Any]:
        """eitk.lock as it was written."""
        return tomllib.loads(self.stored("eitk.lock").decode())

    def stored_manifest(self) -> list[dict[str, str]]:
        """Rows of the window manifest as it was written."""
        return list(csv.DictReader(io.StringIO(self.stored(".eitk/windows/manifest.csv").decode())))


@dataclass(frozen=True)
class Api:
    """The HTTP API of one studio project."""

    url: str
    key: str

    def bytes(self, path: str) -> bytes:
        answer = requests.get(self.url + path, headers={"x-api-key": self.key}, timeout=60)
        answer.raise_for_status()
        return answer.content

    def json(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.bytes(path))
        assert answer["success"], answer
        return answer

    def samples(self) -> dict[int, dict[str, Any]]:
        """All samples by id."""
        found = [
            sample for part in ("training", "testing") for sample in self.json(f"/raw-data?category={part}")["samples"]
        ]
        return {sample["id"]: sample for sample in found}


def unpack(folder: Path, name: str) -> StoredProject:
    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(folder, filter="data")
    return StoredProject(folder / "eitk-project" / name)


def end(project: StoredProject) -> None:
    """Stop what the commands left running."""
    project.run("studio", "stop")
    project.run("board", "stop", "host")


@pytest.fixture
def robust(tmp_path: Path) -> Iterator[StoredProject]:
    """The complete project, for a test that changes it."""
    project = unpack(tmp_path, "robust")
    yield project
    end(project)


@pytest.fixture(scope="module")
def robust_unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredProject]:
    """The complete project, for the tests of a module that only read it."""
    project = unpack(tmp_path_factory.mktemp("stored"), "robust")
    yield project
    end(project)


@pytest.fixture
def reference(tmp_path: Path) -> Iterator[StoredProject]:
    """The project without a build."""
    project = unpack(tmp_path, "reference")
    yield project
    end(project)
