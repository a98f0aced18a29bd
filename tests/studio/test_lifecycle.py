"""A studio on demand: found, started once and stopped; errors have hints."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
import time
from pathlib import Path

import pytest

from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.errors import ConfigurationError, CredentialError, UsageError
from ei_toolkit.studio import manage
from ei_toolkit.studio.lifecycle import LocalStudio, ensure, status, stop
from ei_toolkit.studio.options import Options
from ei_toolkit.studio.server import serve


def test_concurrent_calls_start_one_studio_which_the_next_call_finds(tmp_path: Path) -> None:
    paths, found = ProjectPaths(tmp_path), []
    threads = [threading.Thread(target=lambda: found.append(ensure(paths, "One"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({studio.pid for studio in found}) == 1
    assert stat.S_IMODE((paths.studio / "key").stat().st_mode) == 0o600
    assert found[0].key not in repr(found[0])
    assert stop(paths.studio) and status(paths.studio) is None and not stop(paths.studio)


def test_a_restarted_studio_has_the_same_key_and_a_new_name(tmp_path: Path) -> None:
    import requests

    paths = ProjectPaths(tmp_path)
    before = ensure(paths, "Old name")
    stop(paths.studio)
    after = ensure(paths, "New name")
    listed = requests.get(f"{after.api_url}/api/projects", headers={"x-api-key": before.key}, timeout=10).json()
    assert [project["name"] for project in listed["projects"]] == ["New name"]
    stop(paths.studio)


def test_an_unused_studio_stops(tmp_path: Path) -> None:
    paths = ProjectPaths(tmp_path)
    ensure(paths, "Idle", idle_s=0.5)
    until = time.monotonic() + 20
    while (paths.studio / "server.json").exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert status(paths.studio) is None


def test_the_record_of_a_stopped_server_is_not_a_running_studio(tmp_path: Path) -> None:
    record = {"pid": os.getpid(), "host": "127.0.0.1", "port": 1, "ingestion_port": 1, "version": "0"}
    (tmp_path / "server.json").write_text(json.dumps(record))
    assert status(tmp_path) is None
    (tmp_path / "server.json").write_text("{")
    assert status(tmp_path) is None


def test_a_port_in_use_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigurationError, match="cannot be used") as caught:
            serve(Options(tmp_path, port=taken.getsockname()[1], ingestion_port=0))
    assert "--port" in caught.value.hint


def test_a_folder_is_served_by_one_process(tmp_path: Path) -> None:
    paths = ProjectPaths(tmp_path)
    running: LocalStudio = ensure(paths, "Once")
    with pytest.raises(ConfigurationError, match="served by another studio"):
        serve(Options(paths.studio, port=0, ingestion_port=0))
    assert status(paths.studio) is not None and running.pid
    stop(paths.studio)


def test_other_machines_are_served_only_if_allowed_and_with_a_key(tmp_path: Path) -> None:
    everywhere = Options(tmp_path, host="0.0.0.0")
    with pytest.raises(UsageError, match="reached from other machines"):
        manage.check_host(everywhere, allow_remote=False)
    with pytest.raises(CredentialError, match="no key"):
        manage.check_host(everywhere, allow_remote=True)
    manage.prepare(tmp_path, "p")
    assert manage.check_host(everywhere, allow_remote=True) == everywhere
    assert manage.check_host(Options(tmp_path, host="localhost"), allow_remote=False).host == "127.0.0.1"


def test_projects_and_keys_are_managed_without_a_server(tmp_path: Path) -> None:
    manage.prepare(tmp_path, "First")
    second, _ = manage.add_project(tmp_path, "Second")
    assert [project.name for project in manage.projects(tmp_path)] == ["First", "Second"]
    secret = manage.add_key(tmp_path, second, "reader", "readonly")
    listed = manage.list_keys(tmp_path, second)
    assert [key["role"] for key in listed] == ["admin", "readonly"] and secret not in str(listed)
    manage.revoke_key(tmp_path, second, listed[1]["id"])
    assert len(manage.list_keys(tmp_path, second)) == 1
    with pytest.raises(UsageError, match="there are 2 projects"):
        manage.list_keys(tmp_path, 0)
    with pytest.raises(UsageError, match="no role"):
        manage.add_key(tmp_path, second, "k", "owner")
