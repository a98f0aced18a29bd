"""Each virtual board: flash it, stream clips to it, read its predictions, replace and stop it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.board.boards.registry import virtual_board_named
from ei_toolkit.board.emulator.lifecycle import running_state
from ei_toolkit.board.transport.link import EmulatorLink, LinkLost
from ei_toolkit.board.verify.selftest import ask


def write_clip(path: Path, seconds: float, seed: int = 1) -> Path:
    """Write noise whose spectrum changes, so that windows differ."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=int(seconds * 16000)) * 4000
    noise[len(noise) // 2 :] = np.cumsum(noise[len(noise) // 2 :]) / 20
    path.write_bytes(wav_bytes(np.clip(noise, -32768, 32767).astype(np.int16), 16000))
    return path


def events(text: str, kind: str = "prediction") -> list[dict[str, Any]]:
    return [event for event in map(json.loads, text.splitlines()) if event["event"] == kind]


def ended(pid: int, within_s: float = 2.0) -> bool:
    deadline = time.monotonic() + within_s
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not Path(f"/proc/{pid}").exists()


def flash(project: Any, board: str, tiny: Path) -> None:
    assert project.eitk("flash", "--board", board, "--library", str(tiny)) == 0, project.stderr


def test_each_window_of_a_clip_is_predicted_and_each_line_is_read_once(
    project: Any, board: str, tiny: Path, tmp_path: Path
) -> None:
    flash(project, board, tiny)
    clip = write_clip(tmp_path / "noise.wav", 6)
    assert project.eitk("play", "--board", board, str(clip)) == 0, project.stderr
    assert project.eitk("tail", "--board", board, "--json", "--count", "3") == 0
    first = events(project.stdout)
    assert project.eitk("tail", "--board", board, "--json", "--for", "1s") == 0
    rest = events(project.stdout)
    assert [event["end"] for event in first + rest] == list(range(48000, 96001, 8000))
    assert [event["seq"] for event in first + rest] == list(range(7))
    for event in first + rest:
        assert event["model"] == "0123456789ab"
        assert {"rock": "red", "classical": "green", "uncertain": "blue"}[event["winner"]] == event["led"]


def test_a_second_stream_starts_at_sample_0(project: Any, board: str, tiny: Path, tmp_path: Path) -> None:
    flash(project, board, tiny)
    clip = write_clip(tmp_path / "noise.wav", 4)
    ends = []
    for _ in range(2):
        assert project.eitk("play", "--board", board, str(clip)) == 0
        assert project.eitk("tail", "--board", board, "--json", "--count", "3") == 0
        ends.append([(event["end"], event["q"]) for event in events(project.stdout)])
    assert ends[0] == ends[1]


def test_a_microphone_that_stops_is_started_again_with_a_warning(project: Any, board: str, tiny: Path) -> None:
    """The driver fails after four seconds; the sketch restarts it within a tenth of a second."""
    flash(project, board, tiny)
    state = running_state(project.boards, board)
    pcm = np.random.default_rng(2).integers(-3000, 3000, 128000).astype("<i2").tobytes()
    with socket.create_connection(("127.0.0.1", state.microphone_port)) as line, line.makefile("rb") as answers:
        line.sendall(b"stream\n")
        assert answers.readline() == b"ready\n"
        line.sendall(pcm[:128000])
        assert project.eitk("tail", "--board", board, "--json", "--count", "3") == 0
        virtual_board_named(board).microphone(project.boards).overflow()
        line.sendall(pcm[128000:])
        line.shutdown(socket.SHUT_WR)
        assert answers.read().endswith(b"done 128000\n")
    assert project.eitk("tail", "--board", board, "--json", "--for", "1s") == 0
    assert [event["text"] for event in events(project.stdout, "warning")] == ["ERR: PDM buffer overrun"]
    after = events(project.stdout)
    assert [event["end"] for event in after] == [48000, 56000]  # four seconds, minus the lost samples
    assert {event["overruns"] for event in after} == {1}


def test_flashing_a_running_board_replaces_it(project: Any, board: str, tiny: Path) -> None:
    flash(project, board, tiny)
    before = running_state(project.boards, board)
    flash(project, board, tiny)
    after = running_state(project.boards, board)
    assert before.pid != after.pid
    assert ended(before.pid)


def test_a_library_that_does_not_compile_does_not_change_the_running_board(
    project: Any, board: str, tiny: Path, tmp_path: Path
) -> None:
    flash(project, board, tiny)
    before = running_state(project.boards, board)
    broken = tmp_path / "broken"
    for file in tiny.rglob("*"):
        if file.is_file():
            target = broken / file.relative_to(tiny)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(file.read_text().replace("int rock", "interior rock"))
    assert project.eitk("flash", "--board", board, "--library", str(broken)) == 6
    assert "interior" in project.stderr
    assert running_state(project.boards, board) == before


def test_the_state_of_a_killed_daemon_is_deleted_by_the_next_command(project: Any, board: str, tiny: Path) -> None:
    flash(project, board, tiny)
    os.kill(running_state(project.boards, board).pid, signal.SIGKILL)
    time.sleep(0.2)
    assert project.eitk("boards", "--json") == 0
    assert json.loads(project.stdout) == []
    flash(project, board, tiny)


def test_stopping_twice_succeeds(project: Any, board: str, tiny: Path) -> None:
    flash(project, board, tiny)
    for stopped in (True, False):
        assert project.eitk("board", "stop", board, "--json") == 0
        assert json.loads(project.stdout)["stopped"] is stopped


def test_a_board_that_is_not_running_is_reported_with_a_hint(project: Any, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "noise.wav", 1)
    for arguments in (("tail",), ("play", str(clip))):
        assert project.eitk(*arguments, "--board", "host") == 6
        assert "eitk flash" in project.stderr


def test_missing_tools_are_named_with_what_to_install(
    project: Any, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    for needed, board in (("g++", "host"), ("qemu-system-arm", "emulated")):
        monkeypatch.setenv("PATH", str(empty))
        assert project.eitk("flash", "--board", board, "--library", str(tiny)) == 3
        assert needed in project.stderr
    for tool in ("g++", "as", "ld"):
        (empty / tool).symlink_to(shutil.which(tool, path=os.defpath) or "/nowhere")
    assert project.eitk("flash", "--board", "host", "--library", str(tiny)) == 3
    assert "size is not installed" in project.stderr


def test_garbage_on_the_serial_line_is_ignored_and_commands_are_handled(project: Any, board: str, tiny: Path) -> None:
    flash(project, board, tiny)
    link = EmulatorLink(running_state(project.boards, board).serial_port)
    rng = np.random.default_rng(8)
    for _ in range(20):
        link.write(rng.integers(7, 256, rng.integers(1, 60), dtype=np.uint8).tobytes().replace(b"\n", b"x") + b"\n")
    link.write(b"t 7\nt nonsense\nt 0.75\n")
    assert ask(link, b"?", "info")["threshold"] in (0.6, 0.75)  # the first answer may be that of `t`
    assert ask(link, b"?", "info")["threshold"] == 0.75
    assert ask(link, b"s", "state") == "stopped"
    assert ask(link, b"?", "info")["state"] == "stopped"
    assert ask(link, b"r", "state") == "running"
    info = ask(link, b"?", "info")
    assert (info["labels"], info["window"], info["hop"]) == (["classical", "rock"], 48000, 8000)
    assert info["model_sha256"] == "0123456789abcdef" * 4
    link.close()


def cpu_ticks(parent: int) -> int:
    """Return the processor time of a process and its children, in hundredths of a second."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    fields = [Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in (str(parent), *children)]
    return sum(int(field[11]) + int(field[12]) for field in fields)


def test_a_board_without_input_uses_no_processor_time(project: Any, board: str, tiny: Path) -> None:
    flash(project, board, tiny)
    pid = running_state(project.boards, board).pid
    time.sleep(0.5)
    before = cpu_ticks(pid)
    time.sleep(1.0)
    assert cpu_ticks(pid) - before <= 5


def test_a_board_stops_while_a_client_is_connected(project: Any, board: str, tiny: Path) -> None:
    flash(project, board, tiny)
    link = EmulatorLink(running_state(project.boards, board).serial_port)
    start = time.monotonic()
    assert project.eitk("board", "stop", board) == 0, project.stderr
    assert time.monotonic() - start < 8
    with pytest.raises(LinkLost):
        while True:
            link.read(1.0)
    link.close()
