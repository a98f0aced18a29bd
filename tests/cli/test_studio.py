"""`eitk studio` from the command line: projects, keys, status, and serving until a signal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from support import eitk


def studio(folder: Path, *arguments: str) -> tuple[int, Any, str]:
    """Exit code, JSON result and stderr of `eitk studio` with a data folder."""
    done = eitk(folder, "--json", "studio", *arguments, "--data", str(folder / "data"))
    return done.code, done.data, done.err


def test_projects_and_keys_are_made_listed_and_revoked(tmp_path: Path) -> None:
    code, made, _ = studio(tmp_path, "projects", "--add", "Brass")
    assert code == 0 and made["key"].startswith("ei_")
    assert studio(tmp_path, "keys", "add", "--role", "readonly")[1]["role"] == "readonly"
    listed = studio(tmp_path, "keys", "list")[1]
    assert [key["role"] for key in listed] == ["admin", "readonly"]
    assert studio(tmp_path, "keys", "revoke", str(listed[1]["id"]))[0] == 0
    assert studio(tmp_path, "projects")[1] == [{"id": 1, "name": "Brass", "samples": 0, "keys": 1, "deployments": 0}]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("keys", "add", "--role", "owner"), 2, "'owner' is not one of 'admin'"),
        (("export", "out.zip", "--project", "9"), 2, "no project 9"),
        (("serve", "--host", "0.0.0.0"), 2, "other machines"),
        (("open", "--no-browser"), 3, "no studio serves this folder"),
    ],
)
def test_an_impossible_request_is_an_error(tmp_path: Path, arguments: tuple[str, ...], code: int, text: str) -> None:
    studio(tmp_path, "projects", "--add", "Brass")
    found = studio(tmp_path, *arguments)
    assert found[0] == code and text in found[2]
    assert not (tmp_path / "out.zip").exists()


def sign_in(address: str) -> int:
    """Open an address as a browser does; return the project that it is signed in to."""
    url, _, fragment = address.partition("/studio#")
    token = parse_qs(fragment)["token"][0]
    response = requests.post(f"{url}/session", json={"token": token}, headers={"Origin": url}, timeout=10)
    return int(response.json()["projectId"])


def test_serving_ends_with_a_signal_and_status_reports_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ei_toolkit", "studio", "serve", "--port", "0", "--ingestion-port", "0"]
    with subprocess.Popen(
        [*command, "--data", str(tmp_path / "data")], cwd=tmp_path, stderr=subprocess.PIPE
    ) as serving:
        until = time.monotonic() + 60
        while not studio(tmp_path, "status")[1]["running"] and time.monotonic() < until:
            time.sleep(0.1)
        found = studio(tmp_path, "status")[1]
        studio(tmp_path, "projects", "--add", "Second")
        opened = [studio(tmp_path, "open", "--no-browser", "--project", project)[1] for project in "012"]
        projects = [sign_in(result["url"]) for result in opened]
        settings = json.loads(parse_qs(urlsplit(opened[0]["url"]).fragment)["settings"][0])
        unknown = studio(tmp_path, "open", "--no-browser", "--project", "3")[0]
        os.kill(serving.pid, signal.SIGINT)
        assert serving.wait(30) == 0
        assert serving.stderr is not None
        assert re.search(rb"in a browser: http://127\.0\.0\.1:\d+/studio#token=[\w-]{43} ", serving.stderr.read())
    assert (projects, unknown) == ([1, 1, 2], 2)
    assert settings["level"] == "none" and settings["smoothing"] == 1  # the defaults: there is no eitk.toml
    assert found["running"] and found["pid"] == serving.pid and found["api_url"].startswith("http://127.0.0.1:")
    assert studio(tmp_path, "status")[1] == {"running": False}
    assert studio(tmp_path, "stop")[1] == {"stopped": False}
