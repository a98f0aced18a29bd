"""The keeper of one stand-in board: a process that outlives the terminal and owns QEMU or the host program.

    python -m ei_toolkit.board.emulator.daemon FOLDER BOARD     ends with 0 once the board runs; the daemon goes on

It offers two loopback ports. The serial port is the board's line; lines that nobody has read are kept. A reader that
sends ENQ first answers each line that it has used with ACK, so that what it leaves is there for the next one.
The microphone port takes one order a connection: `feed`, then 16-bit PCM until the sender closes its side, answered
by `ready`, by `at <samples>` for every second heard, and by `fed <samples>` at the end; or `overflow`, which lets the
microphone's driver fail.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ei_toolkit.board.emulator.microphone import FRAME_BYTES, Feed
from ei_toolkit.board.emulator.process import start_process
from ei_toolkit.board.emulator.virtual_boards import BoardFolder, BoardState
from ei_toolkit.board.transport.link import Backlog
from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.errors import BoardError, EitkError

ENQ, ACK = b"\x05", b"\x06"
ANSWER_TIMEOUT_S = 60.0  # a decision that is under way comes first
HELLO_TIMEOUT_S = 0.2
START_TIMEOUT_S = 30.0
TELL_SAMPLES = 16000


class Keeper:
    """Keeps one board from start to end."""

    def __init__(self, folder: BoardFolder, board: str, ready: Callable[[], object]) -> None:
        self._folder = folder
        self._ready = ready
        self._board = board
        self._backlog = Backlog()
        self._answers: dict[bytes, asyncio.Event] = {}
        self._feeding = asyncio.Lock()

    async def keep(self) -> None:
        """Start the board, serve its lines until it ends or a signal comes, then leave nothing behind."""
        facts = json.loads(self._folder.image_facts.read_text(encoding="utf-8"))
        self._guest = await start_process(self._board, Path(facts["path"]))
        self._feed = Feed(*self._guest.microphone, multiplexed=self._board == "emulated")
        running = self._expect(b'"state":"running"')
        listening = asyncio.create_task(self._listen())
        try:
            await asyncio.wait_for(_first_of(asyncio.create_task(_event(running)), listening), START_TIMEOUT_S)
            if not running.is_set():
                raise ConnectionResetError("the board's program ended before the sketch ran")
            serial = await asyncio.start_server(self._serve_serial, "127.0.0.1", 0)
            microphone = await asyncio.start_server(self._serve_microphone, "127.0.0.1", 0)
            ports = [server.sockets[0].getsockname()[1] for server in (serial, microphone)]
            self._folder.write_state(self._state(facts, *ports))
            self._ready()
            await _first_of(listening, asyncio.create_task(self._guest.wait()), _stop_signal())
        finally:  # the servers end with the loop: waiting for their clients would let a tail keep the board alive
            await self._guest.stop()
            self._folder.state_file.unlink(missing_ok=True)

    def _state(self, facts: dict[str, str], serial_port: int, microphone_port: int) -> BoardState:
        return BoardState(
            board=self._board,
            pid=os.getpid(),
            serial_port=serial_port,
            microphone_port=microphone_port,
            model_sha256=facts["model_sha256"],
            image_sha256=facts["sha256"],
            started=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    async def _listen(self) -> None:
        reader, _ = self._guest.serial
        while data := await reader.read(65536):
            for line in await self._backlog.add(data):
                for text, event in self._answers.items():
                    if text in line:
                        event.set()

    def _expect(self, text: bytes) -> asyncio.Event:
        event = self._answers[text] = asyncio.Event()
        return event

    async def _command(self, command: bytes, answer: bytes) -> None:
        """Send the board a command and wait for the line that answers it."""
        answered = self._expect(answer)
        self._guest.serial[1].write(command + b"\n")
        await asyncio.wait_for(answered.wait(), ANSWER_TIMEOUT_S)

    async def _serve_serial(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            hello = b""
            with contextlib.suppress(TimeoutError):
                hello = await asyncio.wait_for(reader.read(1), HELLO_TIMEOUT_S)
            reading = _Reading(self._backlog, acknowledges=hello == ENQ)
            sending = asyncio.create_task(reading.send(writer))
            try:
                data = hello.replace(ENQ, b"")
                while True:
                    self._guest.serial[1].write(reading.receive(data))
                    if not (data := await reader.read(4096)):
                        break
            finally:
                sending.cancel()
                writer.close()

    async def _serve_microphone(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            order = (await reader.readline()).strip()
            if order == b"overflow":
                await self._feed.send(b"X")
                writer.write(b"done\n")
            elif self._feeding.locked():
                writer.write(b"busy\n")
            elif order == b"feed":
                async with self._feeding:
                    await self._restart_microphone()
                    writer.write(b"ready\n")
                    writer.write(b"fed %d\n" % await self._pass_on(reader, writer))
            await writer.drain()
        except (ConnectionError, TimeoutError, ValueError) as error:  # ValueError: an order that is no line
            print(f"microphone: {error!r}", file=sys.stderr, flush=True)
        finally:
            writer.close()

    async def _restart_microphone(self) -> None:
        """Stop, let frames of an earlier feed run out, start: the next sample is number 0."""
        await self._command(b"s", b'"state":"stopped"')
        await self._feed.settle()
        await self._command(b"r", b'"state":"running"')

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        samples = told = 0
        while pcm := await _up_to(reader, FRAME_BYTES):
            await self._feed.send(b"D", pcm[: len(pcm) // 2 * 2])
            samples += len(pcm) // 2
            if samples - told >= TELL_SAMPLES:
                told += TELL_SAMPLES
                writer.write(b"at %d\n" % told)
        await self._feed.send(b"E")
        await self._feed.settle()
        return samples


class _Reading:
    """One client of the serial port and its place in the backlog."""

    def __init__(self, backlog: Backlog, *, acknowledges: bool) -> None:
        self._backlog = backlog
        self._acknowledges = acknowledges
        self._taken = backlog.first_unread

    async def send(self, writer: asyncio.StreamWriter) -> None:
        """Send lines for as long as there are any."""
        place = self._taken
        with contextlib.suppress(ConnectionError):
            while True:
                lines, place = await self._backlog.after(place)
                writer.write(b"".join(lines))
                await writer.drain()
                if not self._acknowledges:
                    self._backlog.taken(place)

    def receive(self, data: bytes) -> bytes:
        """What of the client's bytes is meant for the board."""
        if not self._acknowledges:
            return data
        self._taken += data.count(ACK)
        self._backlog.taken(self._taken)
        return data.replace(ACK, b"")


async def _up_to(reader: asyncio.StreamReader, count: int) -> bytes:
    """Exactly `count` bytes, fewer only at the end of the stream."""
    try:
        return await reader.readexactly(count)
    except asyncio.IncompleteReadError as end:
        return end.partial


async def _first_of(*tasks: asyncio.Task[None]) -> None:
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def _event(event: asyncio.Event) -> None:
    await event.wait()


def _stop_signal() -> asyncio.Task[None]:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)

    return asyncio.create_task(_event(stopped))


def main(folder: Path, board: str) -> int:
    """Become a process of its own; the one that was started ends when the board runs or has failed."""
    told, tell = os.pipe()
    if os.fork():
        os.close(tell)
        return 0 if os.read(told, 1) else BoardError.exit_code
    os.close(told)
    os.setsid()
    return _keep(BoardFolder(folder), board, lambda: os.write(tell, b"+"))


def _keep(folder: BoardFolder, board: str, ready: Callable[[], object]) -> int:
    try:
        with acquire_lock(folder.lock_file):
            asyncio.run(Keeper(folder, board, ready).keep())
    except BlockingIOError:
        print("another keeper holds this board", file=sys.stderr)
    except TimeoutError:
        print("the board started and said nothing", file=sys.stderr)
    except (ConnectionError, EitkError) as error:
        print(error, file=sys.stderr)
    else:
        return 0
    return BoardError.exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
