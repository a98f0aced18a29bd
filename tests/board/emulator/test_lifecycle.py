"""The folder of a virtual board: what it has while the board runs, after a crash, and when a file is damaged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from ei_toolkit.board.emulator import lifecycle
from ei_toolkit.board.emulator.lifecycle import BoardFolder, BoardState, Launch, folder_of, running_state, start, stop
from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.errors import BoardError

LAUNCH = Launch("host", ("program", "{serial}", "{microphone}"), "ab" * 32, "cd" * 32)


def state(pid: int = 1) -> BoardState:
    return BoardState("host", pid, 5001, 5002, "ab" * 32, "cd" * 32, "2026-11-29T12:00:00+00:00")


@pytest.fixture
def folder(tmp_path: Path) -> BoardFolder:
    (tmp_path / "host").mkdir()
    return folder_of(tmp_path, "host")


def test_what_the_daemon_starts_is_read_as_it_was_written(folder: BoardFolder) -> None:
    folder.write_launch(LAUNCH)
    assert folder.read_launch() == LAUNCH


def test_a_board_is_running_while_its_daemon_holds_the_lock(folder: BoardFolder) -> None:
    with acquire_lock(folder.daemon_lock):
        assert folder.has_daemon() and folder.running() is None  # it is starting
        folder.write_state(state())
        assert folder.running() == state()
        assert running_state(folder.path.parent, "host").address == "socket://127.0.0.1:5001"
    assert folder.running() is None


def test_the_state_of_a_killed_daemon_is_deleted(folder: BoardFolder) -> None:
    folder.write_state(state())
    assert not folder.has_daemon()
    assert not folder.state_file.exists()


def test_a_board_that_was_never_flashed_is_not_running_and_has_no_folder(tmp_path: Path) -> None:
    assert folder_of(tmp_path, "host").running() is None
    assert not stop(tmp_path, "host")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BoardError, match="the host board is not running") as caught:
        running_state(tmp_path, "host")
    assert caught.value.hint == "Start it: eitk flash --board host"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"board": "host"}', json.dumps(asdict(state()) | {"more": 1})])
def test_a_damaged_state_is_named_with_the_command_that_stops_the_board(folder: BoardFolder, text: str) -> None:
    folder.state_file.write_text(text)
    with acquire_lock(folder.daemon_lock), pytest.raises(BoardError, match=r"state\.json cannot be read") as caught:
        folder.running()
    assert caught.value.hint == "eitk board stop host"


OWNER = """
import signal, sys, time
from pathlib import Path
from ei_toolkit.config.file_lock import acquire_lock
if sys.argv[2] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with acquire_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def daemon(folder: BoardFolder, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of a daemon; with the parameter `deaf` it ignores SIGTERM."""
    command = [sys.executable, "-c", OWNER, str(folder.daemon_lock), getattr(request, "param", "")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "locked\n"
        folder.write_state(state(process.pid))
        yield process
        process.kill()


def test_a_board_is_stopped_with_the_signal_that_ends_its_daemon(
    folder: BoardFolder, daemon: subprocess.Popen[str]
) -> None:
    assert stop(folder.path.parent, "host")
    assert daemon.wait(5) == -signal.SIGTERM
    assert not stop(folder.path.parent, "host")


@pytest.mark.parametrize("daemon", ["deaf"], indirect=True)
def test_a_daemon_that_does_not_end_is_named_with_its_process(
    folder: BoardFolder, daemon: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "STOP_TIMEOUT_S", 0.1)
    with pytest.raises(
        BoardError, match=rf"did not stop within 0 s \(its emulator process is {daemon.pid}\)"
    ) as caught:
        stop(folder.path.parent, "host")
    assert caught.value.hint == f"kill -9 {daemon.pid}"


def test_a_daemon_that_ended_in_the_meantime_counts_as_stopped(
    folder: BoardFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_pid: int, _signal: int) -> None:
        raise ProcessLookupError

    monkeypatch.setattr(os, "kill", gone)
    folder.write_state(state())
    with acquire_lock(folder.daemon_lock):
        assert not stop(folder.path.parent, "host")


@pytest.mark.parametrize(
    ("printed", "why"),
    [("first\nlast line\n\n", "last line"), ("", "its program printed no message"), ("\udcff broken", "broken")],
)
def test_a_board_that_does_not_start_is_explained_with_its_last_message(
    tmp_path: Path, printed: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_command: object, *, stdout: object, **_more: object) -> None:
        stdout.write(printed.encode(errors="surrogateescape"))  # type: ignore[attr-defined]

    monkeypatch.setattr(subprocess, "run", run)
    (tmp_path / "host").mkdir()
    with pytest.raises(BoardError, match="the host board does not start") as caught:
        start(tmp_path, LAUNCH)
    assert caught.value.why.endswith(why)
    assert caught.value.hint == f"See {tmp_path / 'host' / 'emulator.log'}"
    assert folder_of(tmp_path, "host").read_launch() == LAUNCH
