"""The server in this process: its record, its lock, its ports, and how it stops."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ei_toolkit.config.file_lock import acquire_lock, is_locked
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.studio import server
from ei_toolkit.studio.context import Activity
from ei_toolkit.studio.options import Options, RunningServer


def serve(options: Options, during: Callable[[RunningServer], None], number: signal.Signals = signal.SIGTERM) -> None:
    """Serve in this thread; another one acts on the running server and then sends a signal to this process."""
    errors: list[BaseException] = []
    before = signal.getsignal(number)

    def act(running: RunningServer) -> None:
        try:
            assert status(running.api_url, "/api/projects") == 401  # from then on, the server handles signals
            during(running)
        except BaseException as error:  # noqa: BLE001 - passed on to the test below
            errors.append(error)
        finally:
            if signal.getsignal(number) is not before:  # else the signal would end this process
                os.kill(os.getpid(), number)

    server.serve(options, lambda running, _studio: threading.Thread(target=act, args=(running,), daemon=True).start())
    if errors:
        raise errors[0]


def status(url: str, path: str) -> int:
    try:
        with urllib.request.urlopen(url + path, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def free(tmp_path: Path, **options: Any) -> Options:
    return Options(tmp_path / "data", port=0, ingestion_port=0, **options)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_answers_on_both_ports_until_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    options = free(tmp_path)
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def during(running: RunningServer) -> None:
        seen.append(status(running.api_url, "/api/projects"))
        seen.append(status(running.ingestion_url, "/api/training/nothing"))
        seen.append(RunningServer.read(options.data) == running and running.pid == os.getpid())
        seen.append(is_locked(options.lock))

    serve(options, during, number)
    assert seen == [401, 404, True, True]
    assert not options.running.exists() and not is_locked(options.lock)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == handlers


def test_the_folder_of_a_server_is_private_and_can_be_served_again(tmp_path: Path) -> None:
    options = free(tmp_path)
    for _ in range(2):
        serve(options, lambda running: None)
    assert options.data.stat().st_mode & 0o777 == 0o700


def test_a_folder_whose_lock_is_held_is_not_served(tmp_path: Path) -> None:
    options = free(tmp_path)
    options.data.mkdir()
    with acquire_lock(options.lock), pytest.raises(ConfigurationError) as caught:
        server.serve(options)
    assert caught.value.what == f"{options.data} is served by another studio already"
    assert "eitk studio status" in caught.value.hint and "--data" in caught.value.hint
    assert not options.running.exists()


@pytest.mark.parametrize("taken", ["port", "ingestion_port"])
def test_a_port_in_use_is_named_and_the_lock_is_released(tmp_path: Path, taken: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        options = Options(tmp_path, **{"port": 0, "ingestion_port": 0, taken: port})
        with pytest.raises(ConfigurationError) as caught:
            server.serve(options)
    assert caught.value.what == f"port {port} of 127.0.0.1 cannot be used"
    assert caught.value.why == "Address already in use"
    assert "--port and --ingestion-port" in caught.value.hint
    assert not is_locked(options.lock)


def test_an_address_that_this_machine_has_not_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"port 0 of 192\.0\.2\.1 cannot be used"):
        server.serve(Options(tmp_path, host="192.0.2.1", port=0, ingestion_port=0))


def stops(activity: Activity, *, idle_s: float, busy: bool, within_s: float = 0.1) -> bool:
    """Whether the servers get the request to stop within a time."""
    servers = [SimpleNamespace(should_exit=False), SimpleNamespace(should_exit=False)]
    studio = SimpleNamespace(
        options=Options(Path(), idle_s=idle_s), activity=activity, runner=SimpleNamespace(busy=busy)
    )

    async def run() -> None:
        waiting = asyncio.create_task(server._stop_when_idle(studio, servers))  # type: ignore[arg-type]
        await asyncio.sleep(within_s)
        waiting.cancel()

    asyncio.run(run())
    assert servers[0].should_exit is servers[1].should_exit
    return servers[0].should_exit


def test_an_unused_studio_stops_after_its_idle_time() -> None:
    assert stops(Activity(), idle_s=0.03, busy=False, within_s=0.3)


def test_a_studio_does_not_stop_while_a_job_or_a_request_runs_or_without_an_idle_time() -> None:
    active = Activity()
    active.begin()
    assert not stops(Activity(), idle_s=0.03, busy=True)
    assert not stops(active, idle_s=0.03, busy=False)
    assert not stops(Activity(), idle_s=0.0, busy=False)
    assert not stops(Activity(), idle_s=60.0, busy=False)


def test_the_server_process_reports_an_error_with_its_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["server", str(tmp_path), "--port", "0", "--host", "192.0.2.1"])
    monkeypatch.setattr(server, "keep_freed_memory", lambda: None)
    assert server.main() == ConfigurationError.exit_code == 3
    error = capsys.readouterr().err
    assert "port 0 of 192.0.2.1 cannot be used" in error and "stop the process that uses it" in error
