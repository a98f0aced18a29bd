"""Files of killed servers, servers that do not respond, and lost keys."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ei_toolkit.config.file_lock import PROC_LOCKS
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.errors import ConfigurationError, CredentialError
from ei_toolkit.studio import lifecycle, manage
from ei_toolkit.studio.lifecycle import UnresponsiveServer, ensure, find_server, status, stop
from ei_toolkit.studio.options import RunningServer
from ei_toolkit.studio.store import Store

linux = pytest.mark.skipif(not PROC_LOCKS.exists(), reason="only Linux lists the owners of locks")

UNRESPONSIVE = """
import fcntl, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
lock = open(sys.argv[1], "a")
fcntl.flock(lock, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(60)
"""


@pytest.fixture
def other_process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is not a studio."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


@pytest.fixture
def unresponsive(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the lock of a data folder, does not respond and ignores SIGTERM."""
    command = [sys.executable, "-c", UNRESPONSIVE, str(tmp_path / "server.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def copy_of(server_json: Path, into: Path, pid: int) -> None:
    into.mkdir(parents=True, exist_ok=True)
    record = json.loads(server_json.read_text())
    (into / "server.json").write_text(json.dumps({**record, "pid": pid}))


def test_a_server_that_uses_the_port_of_a_killed_server_is_not_confused_with_it(
    tmp_path: Path, other_process: subprocess.Popen[bytes]
) -> None:
    ours, theirs = ProjectPaths(tmp_path / "ours"), ProjectPaths(tmp_path / "theirs")
    other = ensure(theirs, "Theirs")
    try:
        copy_of(theirs.studio / "server.json", ours.studio, other_process.pid)
        assert status(ours.studio) is None and find_server(ours.studio) is None and not stop(ours.studio)
        assert other_process.poll() is None
        own = ensure(ours, "OwnResults")
        assert own.api_url != other.api_url and own.pid not in (other.pid, other_process.pid)
        assert stop(ours.studio) and other_process.poll() is None and status(theirs.studio) is not None
    finally:
        stop(theirs.studio)


@linux
def test_the_owner_of_the_lock_is_stopped_and_not_the_process_of_an_old_record(
    tmp_path: Path, unresponsive: subprocess.Popen[bytes], other_process: subprocess.Popen[bytes]
) -> None:
    record = {"pid": other_process.pid, "host": "127.0.0.1", "port": 1, "ingestion_port": 1, "version": "0"}
    (tmp_path / "server.json").write_text(json.dumps(record))
    assert find_server(tmp_path) == UnresponsiveServer(tmp_path, unresponsive.pid)
    assert stop(tmp_path, wait_s=0.2)
    assert unresponsive.wait(10) == -signal.SIGKILL and other_process.poll() is None


@linux
def test_a_suspended_studio_is_reported_and_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "RESPONSE_TIMEOUT_S", 0.3)
    monkeypatch.setattr(lifecycle, "TRANSITION_TIMEOUT_S", 0.3)
    paths = ProjectPaths(tmp_path)
    running = ensure(paths, "Hung")
    os.kill(running.pid, signal.SIGSTOP)
    try:
        with pytest.raises(ConfigurationError, match=f"pid {running.pid} holds the lock of .* but does not respond"):
            ensure(paths, "Hung")
        assert status(paths.studio) is None
        assert find_server(paths.studio) == UnresponsiveServer(paths.studio, running.pid)
        assert stop(paths.studio) and find_server(paths.studio) is None
    finally:
        os.kill(running.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "text",
    ["[]", "null", '{"pid": "x"}', '{"pid": -1, "host": "h", "port": 1, "ingestion_port": 1, "version": "0"}',
     '{"pid": 1, "host": 1, "port": 1, "ingestion_port": 1, "version": "0"}', '{"pid": 1, "host": "127.0.0.1"}'],
)  # fmt: skip
def test_an_invalid_record_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "server.json").write_text(text)
    assert status(tmp_path) is None and not stop(tmp_path)


def test_a_server_that_does_not_use_http_is_not_a_studio(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            with listener.accept()[0] as visitor:
                visitor.recv(4096)
                visitor.sendall(b"SSH-2.0-something\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        port = listener.getsockname()[1]
        record = {"pid": os.getpid(), "host": "127.0.0.1", "port": port, "ingestion_port": 1, "version": "0"}
        (tmp_path / "server.json").write_text(json.dumps(record))
        assert status(tmp_path) is None
        thread.join()


@pytest.mark.parametrize("loss", ["revoked", "removed", "empty", "short"])
def test_a_lost_key_is_replaced_by_one_of_the_same_project(
    tmp_path: Path, loss: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "_start", lambda *_: RunningServer(1, "127.0.0.1", 1, 1))
    paths = ProjectPaths(tmp_path)
    before, file = ensure(paths, "Mine").key, paths.studio / "key"
    if loss == "revoked":
        manage.revoke_key(paths.studio, 1, 1)
    elif loss == "removed":
        file.unlink()
    else:
        file.write_text("" if loss == "empty" else "short")
    with caplog.at_level(logging.WARNING):
        after = ensure(paths, "Mine").key
    store = Store.open(paths.studio)
    assert [project.name for project in store.projects.all()] == ["Mine"]
    found = store.keys.find(after)
    store.close()
    assert found is not None and found.project == 1 and after != before == before.strip()
    assert file.read_text() == after and "added a new one for project 1" in caplog.text


def test_a_new_key_is_for_the_project_with_the_name_or_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "_start", lambda *_: RunningServer(1, "127.0.0.1", 1, 1))
    paths = ProjectPaths(tmp_path)
    for name in ("First", "Second"):
        manage.add_project(paths.studio, name)
    with pytest.raises(CredentialError, match="2 projects but none named") as caught:
        ensure(paths, "Third")
    assert "keys add --project" in caught.value.hint
    key = ensure(paths, "Second").key
    store = Store.open(paths.studio)
    found = store.keys.find(key)
    store.close()
    assert found is not None and found.project == 2


def test_a_damaged_database_is_an_error_with_a_hint(tmp_path: Path) -> None:
    paths = ProjectPaths(tmp_path)
    paths.studio.mkdir(parents=True)
    (paths.studio / "studio.sqlite").write_bytes(b"no database at all " * 100)
    for attempt in (lambda: manage.projects(paths.studio), lambda: ensure(paths, "p")):
        with pytest.raises(ConfigurationError, match="is damaged") as caught:
            attempt()
        assert "backup" in caught.value.hint
    (paths.studio / "studio.sqlite").unlink()
    (paths.studio / "studio.sqlite").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        ensure(paths, "p")


def test_a_folder_that_cannot_be_created_or_used_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".eitk").write_text("a file")
    with pytest.raises(ConfigurationError, match="cannot be used as a data folder"):
        ensure(ProjectPaths(tmp_path), "p")
    (tmp_path / "data/blobs").parent.mkdir()
    (tmp_path / "data/blobs").write_text("a file")
    with pytest.raises(ConfigurationError, match="cannot be used as a data folder"):
        manage.prepare(tmp_path / "data", "p")
