"""Finding and stopping the server of a data folder, with small servers of this process in its place."""

from __future__ import annotations

import http.server
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import util
from pathlib import Path

import pytest

from ei_toolkit import __version__
from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.errors import ConfigurationError, MissingToolError
from ei_toolkit.studio import lifecycle
from ei_toolkit.studio.lifecycle import LocalStudio, UnresponsiveServer, find_server, status, stop
from ei_toolkit.studio.options import Options, RunningServer


@contextmanager
def http_server(code: int) -> Iterator[int]:
    """A server that answers every request with a status; yields its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield served.server_address[1]
        finally:
            served.shutdown()
            thread.join()


def write_record(data: Path, port: int, pid: int | None = None) -> RunningServer:
    record = RunningServer(os.getpid() if pid is None else pid, "127.0.0.1", port, port)
    record.write(data)
    return record


@pytest.mark.parametrize(("code", "found"), [(401, True), (200, True), (404, False), (500, False)])
def test_a_server_is_found_if_it_answers_as_a_studio_and_holds_the_lock(tmp_path: Path, code: int, found: bool) -> None:
    with http_server(code) as port, acquire_lock(Options(tmp_path).lock):
        record = write_record(tmp_path, port)
        assert status(tmp_path) == (record if found else None)
        assert (find_server(tmp_path) == record) is found


def test_a_server_without_the_lock_is_not_the_one_of_the_folder(tmp_path: Path) -> None:
    with http_server(401) as port:
        write_record(tmp_path, port)
        assert status(tmp_path) is find_server(tmp_path) is None


def test_the_holder_of_the_lock_is_compared_with_the_record(tmp_path: Path) -> None:
    with http_server(401) as port, acquire_lock(Options(tmp_path).lock):
        write_record(tmp_path, port, pid=os.getppid())
        assert status(tmp_path) is None
        assert find_server(tmp_path) == UnresponsiveServer(tmp_path, os.getpid())


def test_a_folder_without_anything_has_no_server(tmp_path: Path) -> None:
    assert status(tmp_path) is find_server(tmp_path) is None
    assert stop(tmp_path) is False


def test_a_server_that_starts_is_waited_for(tmp_path: Path) -> None:
    with http_server(401) as port, acquire_lock(Options(tmp_path).lock):
        timer = threading.Timer(0.15, write_record, (tmp_path, port))
        timer.start()
        found = find_server(tmp_path, wait_s=5)
        assert isinstance(found, RunningServer) and found.port == port
        timer.join()


def test_a_server_that_does_not_respond_is_reported_after_the_wait(tmp_path: Path) -> None:
    with acquire_lock(Options(tmp_path).lock):
        begin = time.monotonic()
        found = find_server(tmp_path, wait_s=0.15)
        assert isinstance(found, UnresponsiveServer) and 0.15 <= time.monotonic() - begin < 3
        assert str(found) == f"pid {os.getpid()} holds the lock of {tmp_path} but does not respond"
    assert str(UnresponsiveServer(tmp_path, None)).startswith("a process holds the lock of ")


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_a_port_of_another_protocol_is_no_studio(answer: bytes) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        def respond() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=respond, daemon=True)
        thread.start()
        assert lifecycle._responds(f"http://127.0.0.1:{other.getsockname()[1]}/v1") is False
        thread.join()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "no address", "http://[::1/v1", "ftp://127.0.0.1/v1"])
def test_an_address_without_a_server_does_not_respond(url: str) -> None:
    assert lifecycle._responds(url) is False


def test_a_proxy_is_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY")
    with http_server(401) as port:
        assert lifecycle._responds(f"http://127.0.0.1:{port}/v1") is True


def test_a_server_of_another_user_cannot_be_stopped_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    with acquire_lock(Options(tmp_path).lock):
        monkeypatch.setattr(os, "kill", kill)
        with pytest.raises(ConfigurationError) as caught:
            stop(tmp_path)
    assert caught.value.what == f"the studio of {tmp_path} cannot be stopped"
    assert caught.value.why == f"pid {os.getpid()}: Operation not permitted"
    assert caught.value.hint == "stop it as the user who started it"


def test_a_server_that_ignores_every_signal_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append(number))
    monkeypatch.setattr(lifecycle, "KILL_TIMEOUT_S", 0.05)
    with acquire_lock(Options(tmp_path).lock), pytest.raises(ConfigurationError) as caught:
        stop(tmp_path, wait_s=0.05)
    assert caught.value.why == f"pid {os.getpid()}: the process still runs after SIGKILL"
    assert sent == [signal.SIGTERM, signal.SIGCONT, signal.SIGKILL]


def test_a_server_that_the_system_does_not_list_is_an_error_without_a_pid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "server_pid", lambda _: None)
    with acquire_lock(Options(tmp_path).lock), pytest.raises(ConfigurationError) as caught:
        stop(tmp_path)
    assert caught.value.why == "the system does not list the process that holds its lock"


def test_a_process_that_has_ended_meanwhile_counts_as_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = acquire_lock(Options(tmp_path).lock)
    lock.__enter__()

    def kill(pid: int, number: int) -> None:
        lock.__exit__(None, None, None)
        raise ProcessLookupError

    monkeypatch.setattr(os, "kill", kill)
    assert stop(tmp_path, wait_s=2) is True


@pytest.mark.parametrize("missing", ["tensorflow", "fastapi"])
def test_a_missing_package_of_the_engine_is_named_with_the_way_to_install_it(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    found = util.find_spec
    monkeypatch.setattr(lifecycle, "find_spec", lambda name: None if name == missing else found(name))
    with pytest.raises(MissingToolError) as caught:
        lifecycle.require_engine()
    assert caught.value.what == "the local studio is not installed"
    assert caught.value.why == f"missing: {missing}"
    assert "pip install 'eitk[local]'" in caught.value.hint


def test_an_error_of_the_system_within_a_folder_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught, lifecycle.data_folder(tmp_path):
        raise OSError(28, "No space left on device")
    assert caught.value.what == f"{tmp_path} cannot be used as a data folder"
    assert caught.value.why == "No space left on device"


def test_the_last_line_of_a_log_is_found(tmp_path: Path) -> None:
    file = tmp_path / "server.log"
    for content, line in ((b"", ""), (b"\n\n", ""), (b"one\ntwo\n\n", "two"), (b"\xff broken", "\ufffd broken")):
        file.write_bytes(content)
        assert lifecycle._last_line(file) == line


def test_the_key_of_a_studio_is_not_shown_in_its_representation() -> None:
    studio = LocalStudio("http://a/v1", "http://b", "ei_secret", 7)
    assert "ei_secret" not in repr(studio) and "http://a/v1" in repr(studio)


def test_the_record_has_the_version_of_the_server(tmp_path: Path) -> None:
    assert write_record(tmp_path, 1).version == __version__
