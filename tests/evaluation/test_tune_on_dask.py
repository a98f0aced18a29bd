"""A whole search on the workers of a Dask scheduler, of which the search, a worker or the scheduler is killed."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client
from tuner_search import WITHOUT_ARM_TOOLS, assert_continued, kill, project, start, stored

from ei_toolkit.tuning.search import Trial

KILLS, TRIALS, WORKERS = 20, 8, 2
KILL_AFTER = 0.1, 0.8
"""When something is killed: parts of the time until a search has its first result, as a busy machine needs longer."""
START_TIMEOUT_S = 300
pytestmark = [pytest.mark.exhaustive, pytest.mark.timeout(2 * 3600)]


class DaskProcesses:
    """A scheduler and its workers, each a process that a test can kill."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.folder, self.address = folder, f"tcp://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start both, and wait for the workers."""
        self._run("scheduler", "--host", "127.0.0.1", "--port", str(self.port))
        own = ["--nthreads", "1", "--nworkers", str(WORKERS), "--local-directory", str(self.folder)]
        self._run("worker", self.address, *own)
        with Client(self.address, timeout=START_TIMEOUT_S, set_as_default=False) as client:
            client.wait_for_workers(WORKERS, timeout=START_TIMEOUT_S)

    def _run(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
        with (self.folder / "dask.log").open("ab") as log:
            self.processes.append(
                subprocess.Popen(command, stdout=log, stderr=log, env=WITHOUT_ARM_TOOLS, start_new_session=True)
            )

    def workers(self) -> list[int]:
        """Return the ids of the worker processes, which the process of `dask worker` starts again when they end."""
        threads = Path(f"/proc/{self.processes[1].pid}/task").iterdir()
        children = [child for thread in threads for child in (thread / "children").read_text("ascii").split()]
        return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]

    def kill(self) -> None:
        """Kill scheduler and workers."""
        for process in self.processes:
            kill(process)
        self.processes.clear()


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[DaskProcesses]:
    found = DaskProcesses(tmp_path)
    found.start()
    yield found
    found.kill()


def test_a_search_whose_parts_are_killed_is_complete_and_equals_one_in_processes(
    dask: DaskProcesses, tmp_path: Path
) -> None:
    """20 random instants: no trial is lost, none is run twice, and the figures are those without Dask."""
    folder, rng = project(tmp_path / "dask", TRIALS), random.Random(21)
    (folder / "eitk.toml").write_text(
        (folder / "eitk.toml").read_text() + f'\n[compute]\nscheduler = "{dask.address}"\n'
    )
    search, begin = start(folder), time.monotonic()
    before: list[Trial] = []
    while not any(trial.cost for trial in before):
        assert search.poll() is None, (folder / "log.txt").read_text()
        time.sleep(0.5)
        before = stored(folder)
    first_result_s = time.monotonic() - begin
    for number in range(KILLS):
        if search.poll() is not None:
            search = start(folder, "resume")
        time.sleep(first_result_s * rng.uniform(*KILL_AFTER))
        kind = ("search", "worker", "scheduler")[number % 3]
        if kind == "search":
            kill(search)
        elif kind == "worker":
            os.kill(rng.choice(dask.workers()), signal.SIGKILL)
        else:
            dask.kill()
            ended = search.wait(START_TIMEOUT_S)
            assert ended in (0, 4), "a search without its scheduler ends, with an error of the network"
            dask.start()
        after = stored(folder)
        assert_continued(before, after)
        before = after
        print(number, kind, [trial.state for trial in after], flush=True)
    search.wait(1800)
    assert start(folder, "resume").wait(1800) == 0, (folder / "log.txt").read_text()
    after = stored(folder)
    assert_continued(before, after)
    assert "running" not in {trial.state for trial in after}
    assert sum(trial.state == "complete" for trial in after) == TRIALS
    other = project(tmp_path / "processes", TRIALS)
    assert start(other).wait(1800) == 0, (other / "log.txt").read_text()
    assert figures(after) == figures(stored(other))


def figures(trials: list[Trial]) -> list[object]:
    """Return what trials have found; their seconds differ from run to run."""
    return [(one.parameters, one.state, one.cost, one.values, [fold["counts"] for fold in one.folds]) for one in trials]
