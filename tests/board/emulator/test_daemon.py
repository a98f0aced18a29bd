"""The emulator daemon in this process, with a small Python program as its board."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.board.emulator import daemon as daemon_module
from ei_toolkit.board.emulator.daemon import EmulatorDaemon
from ei_toolkit.board.emulator.lifecycle import BoardFolder, Launch
from ei_toolkit.board.emulator.process import start_process
from ei_toolkit.board.transport.link import ACK, ENQ
from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.studio.lifecycle import IDLE_TIMEOUT_S as STUDIO_IDLE_TIMEOUT_S

PROGRAM = """
import os, select, sys
serial, microphone = map(int, sys.argv[1:3])
os.write(serial, b'hello\\n{"eitk":1,"state":"running"}\\n')
while True:
    ready, _, _ = select.select([serial, microphone], [], [])
    if serial in ready:
        for command in os.read(serial, 4096).decode().split():
            state = {"s": "stopped", "r": "running"}.get(command)
            os.write(serial, (f'{{"eitk":1,"state":"{state}"}}' if state else f"you sent {command}").encode() + b"\\n")
            if command == "q":
                sys.exit(3)
    if microphone in ready:
        data = os.read(microphone, 65536)
        frames = 0
        while data:
            size = 3 + 2 * int.from_bytes(data[1:3], "little")
            os.write(serial, b"frame %s %d\\n" % (data[:1], size))
            while len(data) < size:
                data += os.read(microphone, 65536)
            data, frames = data[size:], frames + 1
        os.write(microphone, b"+" * frames)
"""
# The daemon leaves the sockets of its clients to the end of its process.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collect_sockets() -> Iterator[None]:
    """Close the sockets of the daemon while their warnings are ignored."""
    yield
    gc.collect()


Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def launch(program: str = PROGRAM, studio_lock: str = "") -> Launch:
    command = (sys.executable, "-S", "-c", program, "{serial}", "{microphone}")
    return Launch("host", command, "ab" * 32, "cd" * 32, studio_lock)


def with_daemon(
    folder: Path,
    use: Callable[[dict[str, Any]], Awaitable[Any]],
    program: str = PROGRAM,
    *,
    stop: bool = True,
    studio_lock: str = "",
) -> Any:
    """Run a daemon; `use` gets its state file when it is ready; then, with `stop`, the daemon gets SIGTERM."""

    async def run() -> Any:
        ready = asyncio.Event()
        daemon = EmulatorDaemon(BoardFolder(folder), launch(program, studio_lock), ready.set)
        running = asyncio.create_task(daemon.run())
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        if running.done():
            waiting.cancel()
            return await running
        try:
            result = await asyncio.wait_for(use(json.loads((folder / "state.json").read_text())), 20)
        finally:
            if stop:
                os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(running, 20)
        return result

    return asyncio.run(run())


async def connect(port: int, first: bytes = ENQ) -> Client:
    client = await asyncio.open_connection("127.0.0.1", port)
    client[1].write(first)
    return client


async def read_lines(client: Client, count: int) -> list[bytes]:
    return [await asyncio.wait_for(client[0].readline(), 5) for _ in range(count)]


START = [b"hello\n", b'{"eitk":1,"state":"running"}\n']


def test_the_state_of_the_board_is_there_while_it_runs(tmp_path: Path) -> None:
    async def use(state: dict[str, Any]) -> dict[str, Any]:
        return state

    state = with_daemon(tmp_path, use)
    assert (state["board"], state["pid"], state["model_sha256"]) == ("host", os.getpid(), "ab" * 32)
    assert not (tmp_path / "state.json").exists()


def test_lines_that_a_reader_has_not_acknowledged_are_for_the_next_one(tmp_path: Path) -> None:
    async def use(state: dict[str, Any]) -> list[list[bytes]]:
        found = []
        for acknowledged in (0, 1, 1):
            client = await connect(state["serial_port"])
            found.append(await read_lines(client, 2 - min(len(found), 1) if len(found) < 2 else 1))
            client[1].write(ACK * acknowledged)
            await client[1].drain()
            client[1].close()
            await asyncio.sleep(0.05)
        return found

    first, second, third = with_daemon(tmp_path, use)
    assert first == START
    assert second == START[:1]
    assert third == START[1:]


def test_commands_reach_the_board_and_acknowledgements_do_not(tmp_path: Path) -> None:
    async def use(state: dict[str, Any]) -> list[bytes]:
        client = await connect(state["serial_port"])
        lines = await read_lines(client, 2)
        client[1].write(ACK + b"v" + ACK + b"\n")
        lines += await read_lines(client, 1)
        client[1].close()
        return lines

    assert with_daemon(tmp_path, use)[2] == b"you sent v\n"


def test_a_reader_that_acknowledges_nothing_has_used_what_was_sent_to_it(tmp_path: Path) -> None:
    async def use(state: dict[str, Any]) -> list[bytes]:
        plain = await connect(state["serial_port"], b"x\n")
        await read_lines(plain, 3)
        plain[1].close()
        await asyncio.sleep(0.05)
        client = await connect(state["serial_port"], ENQ + b"y\n")
        lines = await read_lines(client, 1)
        client[1].close()
        return lines

    assert with_daemon(tmp_path, use) == [b"you sent y\n"]


def test_pcm_is_forwarded_in_frames_and_counted(tmp_path: Path) -> None:
    async def use(state: dict[str, Any]) -> tuple[bytes, list[bytes]]:
        client = await connect(state["microphone_port"], b"stream\n")
        assert await client[0].readline() == b"ready\n"
        client[1].write(bytes(2 * 16_000 + 101))  # a second, 50 samples and half a sample
        client[1].write_eof()
        answers = await client[0].read()
        client[1].close()
        serial = await connect(state["serial_port"])
        lines = await read_lines(serial, 2 + 2 + 33)
        serial[1].close()
        return answers, lines[4:]

    answers, frames = with_daemon(tmp_path, use)
    assert answers == b"at 16000\ndone 16050\n"
    assert frames == [b"frame D 1027\n"] * 31 + [b"frame D 359\n", b"frame E 3\n"]


def test_a_second_stream_has_to_wait_and_an_overflow_does_not(tmp_path: Path) -> None:
    async def use(state: dict[str, Any]) -> list[bytes]:
        first = await connect(state["microphone_port"], b"stream\n")
        answers = [await first[0].readline()]
        for command in (b"stream\n", b"overflow\n", b"nonsense\n"):
            client = await connect(state["microphone_port"], command)
            answers.append(await client[0].read())
            client[1].close()
        first[1].close()
        await asyncio.sleep(0.05)
        return answers

    assert with_daemon(tmp_path, use) == [b"ready\n", b"busy\n", b"done\n", b"busy\n"]


def test_the_end_of_the_program_is_the_end_of_the_daemon(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async def use(state: dict[str, Any]) -> list[bytes]:
        client = await connect(state["serial_port"], ENQ + b"q\n")
        lines = await read_lines(client, 3)
        client[1].close()
        return lines

    assert with_daemon(tmp_path, use, stop=False)[2] == b"you sent q\n"
    assert "the program of the board ended with code 3" in capfd.readouterr().err
    assert not (tmp_path / "state.json").exists()


def test_a_program_that_ends_before_the_sketch_starts_is_an_error(tmp_path: Path) -> None:
    async def never(_state: dict[str, Any]) -> None:
        raise AssertionError

    with pytest.raises(ConnectionResetError, match="the program of the board ended before the sketch started"):
        with_daemon(tmp_path, never, "print('no sketch')")
    assert not (tmp_path / "state.json").exists()


def test_a_sketch_that_does_not_start_in_time_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_state: dict[str, Any]) -> None:
        raise AssertionError

    monkeypatch.setattr(daemon_module, "START_TIMEOUT_S", 0.1)
    with pytest.raises(TimeoutError):
        with_daemon(tmp_path, never, "import time; time.sleep(60)")


def test_a_program_that_ignores_its_signal_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ei_toolkit.board.emulator.process.STOP_TIMEOUT_S", 0.1)

    async def run() -> int | None:
        ignoring = (
            "import os, signal, time; signal.signal(15, signal.SIG_IGN); os.write({serial}, b'up\\n'); time.sleep(60)"
        )
        process = await start_process([sys.executable, "-S", "-c", ignoring])
        assert await asyncio.wait_for(process.serial[0].readline(), 5) == b"up\n"
        await process.stop()
        await process.stop()  # without an exception
        for _, writer in (process.serial, process.microphone):
            writer.close()
        return process.process.returncode

    assert asyncio.run(run()) == -signal.SIGKILL


def test_a_board_that_no_client_uses_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_module, "IDLE_TIMEOUT_S", 1.5)

    async def use(state: dict[str, Any]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", state["serial_port"])
        await asyncio.sleep(1.8)
        writer.write(b"x\n")
        assert b"you sent x" in await reader.readuntil(b"you sent x\n")  # a connected client keeps it
        writer.close()

    with_daemon(tmp_path, use, stop=False)
    assert not (tmp_path / "state.json").exists()


@pytest.mark.parametrize("with_client", [False, True])
def test_a_board_ends_after_the_studio_of_its_project_unless_a_client_is_connected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_client: bool
) -> None:
    monkeypatch.setattr(daemon_module, "STUDIO_TIMEOUT_S", 0.1)
    monkeypatch.setattr(daemon_module, "CHECK_INTERVAL_S", 0.02)
    studio = ExitStack()
    studio.enter_context(acquire_lock(tmp_path / "server.lock"))

    async def use(state: dict[str, Any]) -> None:
        await asyncio.sleep(0.3)
        assert (tmp_path / "state.json").exists()  # the studio runs
        connection = await connect(state["serial_port"]) if with_client else None
        studio.close()
        await asyncio.sleep(0.3)
        assert (tmp_path / "state.json").exists() == with_client
        if connection:
            connection[1].close()

    with_daemon(tmp_path, use, stop=False, studio_lock=str(tmp_path / "server.lock"))
    assert not (tmp_path / "state.json").exists()


def test_a_board_outlives_a_studio_that_ends_because_nothing_uses_it() -> None:
    """It would otherwise end minutes after `eitk flash`, which needs no studio if the library is there."""
    assert daemon_module.STUDIO_TIMEOUT_S >= STUDIO_IDLE_TIMEOUT_S


def test_a_board_that_was_started_without_a_studio_does_not_end_for_the_lack_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon_module, "STUDIO_TIMEOUT_S", 0.05)
    monkeypatch.setattr(daemon_module, "CHECK_INTERVAL_S", 0.02)

    async def use(_: dict[str, Any]) -> None:
        await asyncio.sleep(0.3)
        assert (tmp_path / "state.json").exists()

    with_daemon(tmp_path, use, studio_lock=str(tmp_path / "server.lock"))


def test_a_board_whose_folder_is_deleted_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_module, "CHECK_INTERVAL_S", 0.02)
    folder = tmp_path / "board"
    folder.mkdir()

    async def use(state: dict[str, Any]) -> None:
        await connect(state["serial_port"])
        shutil.rmtree(folder)

    with_daemon(folder, use, stop=False)  # it returns when the daemon has ended
