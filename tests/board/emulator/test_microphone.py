"""The microphone of a virtual board: frames with acknowledgements, and PCM from a client, without a board."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from ei_toolkit.board.emulator import microphone
from ei_toolkit.board.emulator.microphone import FrameSender, MicStream
from ei_toolkit.board.emulator.shared_memory import MAX_FRAMES, SharedMemory
from ei_toolkit.errors import BoardError

PCM = np.arange(-3, 5, dtype=np.int16)


@asynccontextmanager
async def lines(
    memory: SharedMemory | None = None,
) -> AsyncIterator[tuple[FrameSender, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A sender of frames, and the board's end of its line."""
    ours, boards = socket.socketpair()
    mine = await asyncio.open_connection(sock=ours)
    reader, writer = await asyncio.open_connection(sock=boards)
    try:
        yield FrameSender(*mine, memory), reader, writer
    finally:
        for each in (mine[1], writer):
            each.close()
            with contextlib.suppress(ConnectionError):
                await each.wait_closed()


def test_a_frame_is_its_kind_its_number_of_samples_and_little_endian_pcm() -> None:
    async def run() -> bytes:
        async with lines() as (sender, reader, _):
            await sender.send(b"D", PCM.astype("<i2").tobytes())
            await sender.send(b"E")
            return await reader.readexactly(3 + 16 + 3)

    sent = asyncio.run(run())
    assert sent == b"D\x08\x00" + b"".join(int(x).to_bytes(2, "little", signed=True) for x in PCM) + b"E\x00\x00"


def test_frames_in_shared_memory_are_announced_on_the_line() -> None:
    async def run() -> bytes:
        with tempfile.TemporaryFile() as file:
            async with lines(SharedMemory(file)) as (sender, reader, _):
                await sender.send(b"D", PCM.astype("<i2").tobytes())
                await sender.send(b"E")
                return await reader.readexactly(2) + os.pread(file.fileno(), 5, 0)

    assert asyncio.run(run()) == b"FF" + b"\x13\x00D\x08\x00"


def test_at_most_eight_frames_wait_for_the_board() -> None:
    async def run() -> tuple[bool, bool]:
        async with lines() as (sender, reader, writer):
            for _ in range(MAX_FRAMES):
                await sender.send(b"D")
            ninth = asyncio.create_task(sender.send(b"D"))
            await asyncio.sleep(0.02)
            waited = not ninth.done()
            writer.write(b"+")
            await asyncio.wait_for(ninth, 2)
            processed = asyncio.create_task(sender.wait_processed())
            writer.write(b"+" * 7)
            await asyncio.sleep(0.02)
            early = processed.done()
            writer.write(b"+")
            await asyncio.wait_for(processed, 2)
            await reader.readexactly(3 * 9)
            return waited, early

    assert asyncio.run(run()) == (True, False)


def test_a_board_that_closes_its_line_is_an_error_and_no_endless_wait() -> None:
    async def run() -> None:
        async with lines() as (sender, reader, writer):
            await sender.send(b"D")
            await reader.readexactly(3)
            writer.close()
            await asyncio.wait_for(sender.wait_processed(), 2)

    with pytest.raises(ConnectionResetError, match="closed its microphone line"):
        asyncio.run(run())


class Daemon:
    """The microphone port of an emulator process: answers one client as `answer` does."""

    def __init__(self, answer: Callable[[socket.socket, bytes], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.command, self.received = b"", b""
        self._answer = answer
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client:
            client.settimeout(5)
            while not self.command.endswith(b"\n"):
                self.command += client.recv(1)
            self._answer(client, self.command)

    def read_all(self, client: socket.socket) -> None:
        while data := client.recv(65536):
            self.received += data

    def close(self) -> None:
        self._listener.close()
        self._thread.join(5)


@pytest.fixture
def daemons() -> Iterator[Callable[..., Daemon]]:
    made: list[Daemon] = []

    def make(answer: Callable[[socket.socket, bytes], None]) -> Daemon:
        made.append(Daemon(answer))
        return made[-1]

    yield make
    for each in made:
        each.close()


def stream_to(daemon: Daemon, samples: np.ndarray = PCM) -> int:
    return MicStream("host", daemon.port, "").stream_pcm(samples)


def test_samples_are_streamed_and_the_processed_ones_are_counted(daemons: Callable[..., Daemon]) -> None:
    def answer(client: socket.socket, _command: bytes) -> None:
        client.sendall(b"ready\n")
        daemon.read_all(client)
        client.sendall(b"at 16000\nat 32000\ndone 48000\n")

    daemon = daemons(answer)
    advanced: list[int] = []
    assert MicStream("host", daemon.port, "").stream_pcm(PCM, advanced.append) == 48_000
    assert (daemon.command, daemon.received) == (b"stream\n", PCM.astype("<i2").tobytes())
    assert advanced == [16_000, 16_000]


def test_no_more_than_four_seconds_are_sent_ahead_of_the_board(
    daemons: Callable[..., Daemon], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(microphone, "ANSWER_TIMEOUT_S", 0.2)
    samples = np.zeros(16_000 * 10, np.int16)
    with pytest.raises(BoardError, match="stopped reading its microphone"):
        stream_to(
            daemon := daemons(lambda client, _command: client.sendall(b"ready\n") or daemon.read_all(client)), samples
        )
    daemon.close()
    assert len(daemon.received) == 5 * 2 * 16_000


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (b"busy\n", "another clip is being streamed to the board"),
        (b"what\n", "the board stopped reading its microphone"),
        (b"", "the board stopped reading its microphone"),
        (b"ready\n", "the board stopped reading its microphone"),
    ],
)
def test_a_board_that_does_not_take_the_clip_is_explained(
    daemons: Callable[..., Daemon], answers: bytes, words: str
) -> None:
    with pytest.raises(BoardError, match=words) as caught:
        stream_to(daemons(lambda client, _command: client.sendall(answers)))
    assert caught.value.hint


def test_a_board_that_is_gone_is_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(BoardError, match=r"stopped reading its microphone \(.*refused"):
        MicStream("host", port, "").stream_pcm(PCM)


def test_the_driver_of_the_microphone_can_be_made_to_fail(daemons: Callable[..., Daemon]) -> None:
    daemon = daemons(lambda client, _command: client.sendall(b"done\n"))
    MicStream("host", daemon.port, "").overflow()
    assert daemon.command == b"overflow\n"
