"""The compute worker: time limit, restart after a failure, and its end together with the server."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import has_ended

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs.compute_client import ComputeWorker
from ei_toolkit.studio.jobs.compute_worker import OPERATIONS
from ei_toolkit.studio.jobs.responder import write_responses
from ei_toolkit.studio.options import Options

WINDOW = {"block": "spectrogram", "version": 4, "frequency": 16000.0, "samples": 1600, "params": {}}


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[ComputeWorker]:
    """A compute worker whose process runs already, so that its start does not count against a short time limit."""
    started = ComputeWorker(Options(tmp_path))
    started.compute("shape", **WINDOW)
    yield started
    started.close()


def content_that_never_arrives(folder: Path) -> dict[str, Any]:
    """Arguments that read a named pipe: opening it blocks until another process writes to it."""
    pipe = folder / "pipe"
    if not pipe.exists():
        os.mkfifo(pipe)
    return {
        "content": {"path": str(pipe), "start": 0, "size": 10, "sha256": "0" * 64},
        "format": "cbor",
        "name": "a",
        "hmac_key": "",
    }


def wait_until(condition: Any) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until, "the condition did not become true within 10 s"
        time.sleep(0.01)


def test_a_computation_that_hangs_ends_at_the_time_limit_and_the_next_one_succeeds(
    worker: ComputeWorker, tmp_path: Path
) -> None:
    first, shape = worker.pid, worker.compute("shape", **WINDOW)
    worker.time_limit_s = 0.5
    begin = time.monotonic()
    with pytest.raises(ApiError, match=r"'inspect' was not completed: it took longer than 0\.5 s"):
        worker.compute("inspect", **content_that_never_arrives(tmp_path))
    assert time.monotonic() - begin < 5
    assert worker.pid is None
    worker.time_limit_s = 60.0
    assert worker.compute("shape", **WINDOW) == shape
    assert worker.pid not in (None, first)


def test_a_suspended_worker_that_reads_no_request_ends_at_the_time_limit(worker: ComputeWorker) -> None:
    os.kill(worker.pid or 0, signal.SIGSTOP)
    worker.time_limit_s = 0.5
    longer_than_a_pipe_holds = [0.0] * 200_000
    with pytest.raises(ApiError, match="'run' was not completed: it took longer than"):
        worker.compute("run", **WINDOW, values=longer_than_a_pipe_holds)
    worker.time_limit_s = 60.0
    assert worker.compute("shape", **WINDOW)


def test_a_worker_that_is_killed_during_a_computation_is_named_and_started_again(
    worker: ComputeWorker, tmp_path: Path
) -> None:
    pid = worker.pid or 0
    threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()
    with pytest.raises(ApiError, match="'inspect' was not completed: the compute worker ended with SIGKILL"):
        worker.compute("inspect", **content_that_never_arrives(tmp_path))
    assert worker.compute("shape", **WINDOW)
    assert worker.pid != pid


def test_a_worker_that_is_killed_between_two_computations_is_started_again(worker: ComputeWorker) -> None:
    pid = worker.pid or 0
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: worker.pid is None)
    assert worker.compute("shape", **WINDOW)
    assert worker.pid not in (None, pid)


def test_a_second_computation_waits_for_the_first_and_has_a_time_limit_of_its_own(
    worker: ComputeWorker, tmp_path: Path
) -> None:
    worker.time_limit_s = 3.0
    errors: list[str] = []

    def hang() -> None:
        with pytest.raises(ApiError) as caught:
            worker.compute("inspect", **content_that_never_arrives(tmp_path))
        errors.append(str(caught.value))

    thread = threading.Thread(target=hang)
    thread.start()
    time.sleep(0.1)
    worker.time_limit_s = 60.0
    assert worker.compute("shape", **WINDOW)
    thread.join()
    assert "took longer than" in errors[0]


def test_an_error_of_an_operation_leaves_the_worker_running(worker: ComputeWorker, tmp_path: Path) -> None:
    pid = worker.pid
    with pytest.raises(ApiError, match="has no parameter 'nonsense'"):
        worker.compute("shape", **{**WINDOW, "params": {"nonsense": "1"}})
    with pytest.raises(ApiError, match="see the log of the studio"):
        worker.compute("no-such-operation")
    missing = {"path": str(tmp_path / "x"), "start": 0, "size": 1, "sha256": "0" * 64}
    with pytest.raises(ApiError, match="not stored any more"):
        worker.compute("inspect", content=missing, format="json", name="a", hmac_key="")
    assert worker.pid == pid


def test_the_worker_ends_with_the_server_even_during_a_computation(tmp_path: Path) -> None:
    request = {"operation": "inspect", **content_that_never_arrives(tmp_path)}
    command = [sys.executable, "-m", "ei_toolkit.studio.jobs.compute_worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        pipe = open_when_read(tmp_path / "pipe")
        try:
            assert process.poll() is None
            process.stdin.close()  # as the operating system does when the server is killed
            assert process.wait(30) == 0
        finally:
            os.close(pipe)
            process.kill()


def open_when_read(pipe: Path) -> int:
    """Open a named pipe for writing as soon as another process reads it."""
    until = time.monotonic() + 30
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # no process reads it
            assert time.monotonic() < until, f"no process has read {pipe} within 30 s"
            time.sleep(0.01)


def test_a_request_of_the_api_succeeds_after_the_worker_of_a_server_was_killed(own_server: Any) -> None:
    acquisition = json.dumps(
        {"payload": {"interval_ms": 1, "sensors": [{"name": "x", "units": "u"}], "values": [1, 2, 3]}}
    ).encode()
    for number in range(2):
        name = f"{number}.json"
        [file] = own_server.upload({name: acquisition}).json()["files"]
        assert file["success"], file
        [pid] = children(own_server.pid)
        os.kill(pid, signal.SIGKILL)
        assert has_ended(pid)


def children(pid: int) -> list[int]:
    """The children of all threads of a process; the compute worker is started by the thread that first needs it."""
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in files for child in file.read_text().split()]


def test_a_worker_whose_response_nobody_reads_ends_without_a_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)  # as the server does when it is killed during a computation
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    requests.put(b'{"operation": "catalogue"}\n')
    with os.fdopen(writer, "wb", buffering=0) as output:
        write_responses(OPERATIONS, requests, output)
