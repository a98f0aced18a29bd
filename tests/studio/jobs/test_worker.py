"""The process of a job: exit code, messages in its log, and where the functions of jobs are found."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.studio.jobs import exporting, worker
from ei_toolkit.studio.jobs.task import Task
from ei_toolkit.studio.store import Store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store with a project. The worker does not end this process and does not lower its priority."""
    monkeypatch.setattr(worker, "_end_with_server", lambda: None)
    monkeypatch.setattr(os, "nice", lambda _: 0)
    opened = Store.open(tmp_path)
    opened.projects.create("p")
    yield opened
    opened.close()


def run(store: Store, kind: str = "export") -> int:
    job = store.jobs.add(1, kind, "k", "c", {})
    return worker.main([str(store.database.path.parent), str(job.id)])


def test_a_job_that_succeeds_exits_with_0_and_prints_its_log(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(store) == 0
    assert capfd.readouterr().out == "Exported 0 samples\n"
    assert store.artifacts.result(1, "export", 0) is not None


def test_an_error_of_the_request_is_the_last_line(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(store, "dance") == 1
    assert capfd.readouterr().out == "Error: There is no job of kind 'dance'\n"


def test_an_error_with_a_hint_shows_it(
    store: Store, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Task) -> None:
        raise ConfigurationError("the disk is full", hint="free some space")

    monkeypatch.setattr(exporting, "export", fail)
    assert run(store) == 1
    assert capfd.readouterr().out == "Error: the disk is full. free some space\n"


def test_a_full_disk_is_an_error_without_a_traceback(
    store: Store, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Task) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(exporting, "export", fail)
    assert run(store) == 1
    expected = "Error: The disk of the local studio is full: free space on it, then start the job again\n"
    assert capfd.readouterr().out == expected


def test_an_unexpected_error_is_printed_with_its_traceback(
    store: Store, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "export", lambda _: 1 / 0)
    assert run(store) == 1
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith("Traceback") and lines[-1] == "ZeroDivisionError: division by zero"


def test_a_job_that_does_not_exist_is_an_error(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    assert worker.main([str(store.database.path.parent), "99"]) == 1
    assert capfd.readouterr().out == "Error: No job with this ID found\n"


def test_the_scratch_folder_of_a_job_is_deleted_also_after_an_error(store: Store) -> None:
    job = store.jobs.add(1, "export", "k", "c", {})
    task = Task(store, job, store.database.path.parent)
    with pytest.raises(RuntimeError), task.scratch() as folder:
        (folder / "half").write_text("x")
        assert folder.name.startswith(f"job-{job.id}-") and folder.parent == store.blobs.incoming
        raise RuntimeError
    assert not list(store.blobs.incoming.iterdir())


def test_a_line_of_the_log_ends_with_one_line_end(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    task = Task(store, store.jobs.add(1, "export", "k", "c", {}), store.database.path.parent)
    for line in ("a", "b\n", "c\n\n", ""):
        task.log(line)
    assert capfd.readouterr().out == "a\nb\nc\n\n"
