"""The effect of Ctrl-C on a job that is followed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.follow import Follower, OnInterrupt
from ei_toolkit.client.jobs.job import Job, Started
from ei_toolkit.errors import Interrupted


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def cancelled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Jobs that were cancelled; every wait is interrupted at once."""
    found: list[int] = []

    def wait(*_: Any, **__: Any) -> Job:
        raise KeyboardInterrupt

    monkeypatch.setattr("ei_toolkit.cli.follow.wait_for", wait)
    monkeypatch.setattr("ei_toolkit.cli.follow.cancel_job", lambda _studio, job, **_: found.append(job))
    return found


def follower(folder: Path, choice: OnInterrupt, *, terminal: bool = False) -> Follower:
    console = Console(io.StringIO(), Terminal() if terminal else io.StringIO())
    return Follower(Environment(console, folder, {}), None, None, choice)  # type: ignore[arg-type]


@pytest.mark.parametrize(("choice", "jobs"), [("cancel", [5]), ("detach", []), ("ask", [])])
def test_without_a_terminal_only_cancel_cancels(
    cancelled: list[int], tmp_path: Path, choice: OnInterrupt, jobs: list[int]
) -> None:
    with pytest.raises(Interrupted) as caught:
        follower(tmp_path, choice)(Started(5, {}), "training", 3)
    assert cancelled == jobs
    assert "5" in str(caught.value)


@pytest.mark.parametrize("wants", [True, False])
def test_on_a_terminal_the_user_is_asked(
    cancelled: list[int], tmp_path: Path, wants: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typer.confirm", lambda *_a, **_k: wants)
    with pytest.raises(Interrupted) as caught:
        follower(tmp_path, "ask", terminal=True)(Started(5, {}), "training", 3)
    assert cancelled == ([5] if wants else [])
    assert wants or "eitk jobs follow 5" in caught.value.hint
