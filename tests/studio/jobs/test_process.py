"""The log of a job and the environment of its process."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from support import has_ended

from ei_toolkit.studio.jobs import process
from ei_toolkit.studio.jobs.process import JobLog, JobProcess, child_environment


def test_entries_are_read_in_order_and_an_incomplete_last_line_is_skipped(tmp_path: Path) -> None:
    log = JobLog(tmp_path / "logs", 7)
    assert list(log.entries()) == [] and log.newest(5) == ([], 0)
    for text in ("first", "größer \udcff", "third"):
        log.append(text)
    with log.path.open("a") as file:
        file.write('{"created": "2026-')  # the process was killed while it wrote
    assert [entry.data for entry in log.entries()] == ["first\n", "größer \udcff\n", "third\n"]


def test_the_newest_entries_come_first_and_are_counted_by_level(tmp_path: Path) -> None:
    log = JobLog(tmp_path, 7)
    for number in range(5):
        log.append(str(number), "error" if number % 2 else "info")
    entries, total = log.newest(2)
    assert ([entry.data for entry in entries], total) == (["4\n", "3\n"], 5)
    entries, total = log.newest(10, "error")
    assert ([entry.data for entry in entries], total) == (["3\n", "1\n"], 2)


def test_long_lines_are_cut_and_lines_past_the_largest_size_are_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "LONGEST_LINE", 10)
    monkeypatch.setattr(process, "LARGEST_LOG_BYTES", 100)
    log = JobLog(tmp_path, 7)
    returned = [log.append("x" * 50).data for _ in range(5)]
    assert returned == ["x" * 10 + "\n"] * 5
    assert len(list(log.entries())) == 2


def test_a_line_that_cannot_be_stored_is_returned_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = JobLog(tmp_path, 7)
    log.path.mkdir()  # a write fails as it does on a full disk
    assert log.append("text").data == "text\n"
    assert f"the job log {log.path} could not be stored" in caplog.text


def test_a_job_process_gets_no_keys_and_no_gpu() -> None:
    environment = child_environment({"EI_API_KEY": "secret", "EITK_API_KEY": "secret", "HOME": "/home/x"})
    assert "secret" not in environment.values()
    assert (environment["HOME"], environment["CUDA_VISIBLE_DEVICES"]) == ("/home/x", "-1")


IGNORES_SIGTERM = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, "started", end="\\r", flush=True)
print("ready", flush=True)
time.sleep(60)
"""


def test_a_process_that_ignores_sigterm_is_killed_with_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_GRACE_S", 0.3)
    lines: list[str] = []

    async def run() -> tuple[int, str]:
        started = await asyncio.create_subprocess_exec(
            sys.executable, "-c", IGNORES_SIGTERM, stdout=asyncio.subprocess.PIPE, start_new_session=True
        )
        job = JobProcess(started)

        def on_line(line: str) -> None:
            lines.append(line)
            if line == "ready":
                job.stop("cancelled")

        return await job.follow(on_line, limit_s=30), job.stop_reason

    assert asyncio.run(run()) == (-signal.SIGKILL, "cancelled")
    assert [line.split()[-1] for line in lines] == ["started", "ready"]
    assert has_ended(int(lines[0].split()[0]))


def test_a_process_that_exceeds_its_limit_is_killed_with_the_reason() -> None:
    async def run() -> tuple[int, str]:
        started = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "import time; time.sleep(60)", stdout=asyncio.subprocess.PIPE, start_new_session=True
        )
        job = JobProcess(started)
        return await job.follow(lambda _: None, limit_s=0.2), job.stop_reason

    assert asyncio.run(run()) == (-signal.SIGKILL, "it took longer than its limit of 0.2 s")


def test_output_without_line_ends_is_passed_on_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LONGEST_LINE", 1000)
    lines: list[str] = []

    async def run() -> int:
        started = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "print('x' * 500_000, end='')", stdout=asyncio.subprocess.PIPE, start_new_session=True
        )
        return await JobProcess(started).follow(lines.append, limit_s=30)

    assert asyncio.run(run()) == 0
    assert len(lines) > 1 and "".join(lines) == "x" * 500_000
