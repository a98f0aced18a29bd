"""The emulator daemon of one virtual board: it outlives the terminal and runs QEMU or the host program.

    python -m ei_toolkit.board.emulator.daemon FOLDER     ends with 0 once the board runs; the daemon continues

It listens on two loopback ports. The serial port is the line of the board; lines that no client has read are stored. A
client that sends ENQ first answers each line that it has used with ACK, so that the others remain for the next client.
The microphone port takes one command per connection. `stream` is followed by 16-bit PCM until the client closes its
side; the answers are `ready`, `at <samples>` after each second, and `done <samples>` at the end. `continue` is the same
without a restart of the microphone, for a sketch that records already. `overflow` makes the driver of the microphone
fail. The daemon ends when no client has been connected for an hour, or for 15 minutes if the local
studio of its project has ended, and when its folder is deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ei_toolkit.board.emulator.backlog import Backlog, BacklogReader
from ei_toolkit.board.emulator.lifecycle import BoardFolder, BoardState, Launch
from ei_toolkit.board.emulator.microphone import FRAME_BYTES, FrameSender
from ei_toolkit.board.emulator.process import start_process
from ei_toolkit.board.transport.link import ENQ
from ei_toolkit.config.boards import MICROPHONE_RATE_HZ
from ei_toolkit.config.file_lock import acquire_lock, is_locked
from ei_toolkit.errors import BoardError, EitkError
from ei_toolkit.system import continue_in_session

ANSWER_TIMEOUT_S = 60.0  # the board answers a command only after the classification that is in progress
ENQ_TIMEOUT_S = 0.2
START_TIMEOUT_S = 30.0
END_TIMEOUT_S = 1.0
IDLE_TIMEOUT_S = 3600.0  # a board that no client has been connected to for this long ends
STUDIO_TIMEOUT_S = 15 * 60.0  # the same, once the local studio that ran when the board started has ended
CHECK_INTERVAL_S = 5.0


class EmulatorDaemon:
    """Runs one board from its start to its end."""

    def __init__(self, folder: BoardFolder, launch: Launch, on_ready: Callable[[], object]) -> None:
        self._folder = folder
        self._launch = launch
        self._on_ready = on_ready
        self._backlog = Backlog()
        self._answers: dict[bytes, asyncio.Event] = {}
        self._microphone_in_use = asyncio.Lock()
        self._readers: set[BacklogReader] = set()
        self._clients = 0
        self._last_use = time.monotonic()

    async def run(self) -> None:
        """Start the board, serve its lines until it ends or a signal arrives, then stop it and delete its state."""
        self._process = await start_process(self._launch.command)
        self._frames = FrameSender(*self._process.microphone, self._process.memory)
        running = self._expect(b'"state":"running"')
        reading = asyncio.create_task(self._read_serial())
        try:
            await asyncio.wait_for(_first_of(asyncio.create_task(_wait_for(running)), reading), START_TIMEOUT_S)
            if not running.is_set():
                raise ConnectionResetError("the program of the board ended before the sketch started")
            serial = await asyncio.start_server(self._serve_serial, "127.0.0.1", 0)
            microphone = await asyncio.start_server(self._serve_microphone, "127.0.0.1", 0)
            ports = [server.sockets[0].getsockname()[1] for server in (serial, microphone)]
            self._folder.write_state(self._state(*ports))
            self._on_ready()
            idle = asyncio.create_task(self._wait_unused())
            ended = asyncio.create_task(self._process.wait())
            await _first_of(reading, ended, _stop_signal(), idle)
            if reading.done():  # a program closes its lines a moment before it ends with its own code
                await asyncio.wait({ended}, timeout=END_TIMEOUT_S)
        finally:  # the servers end with the event loop: a client that stays connected must not keep the board running
            await self._process.stop()
            self._folder.state_file.unlink(missing_ok=True)

    def _state(self, serial_port: int, microphone_port: int) -> BoardState:
        return BoardState(
            board=self._launch.board,
            pid=os.getpid(),
            serial_port=serial_port,
            microphone_port=microphone_port,
            model_sha256=self._launch.model_sha256,
            image_sha256=self._launch.image_sha256,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    async def _wait_unused(self) -> None:
        """Wait until the board is not used any more, as the head of this module describes."""
        lock = Path(self._launch.studio_lock) if self._launch.studio_lock else None
        with_studio = lock is not None and is_locked(lock)
        self._last_use = time.monotonic()
        while self._folder.path.is_dir():
            await asyncio.sleep(min(CHECK_INTERVAL_S, IDLE_TIMEOUT_S / 60))
            has_studio_ended = with_studio and lock is not None and not is_locked(lock)
            limit = STUDIO_TIMEOUT_S if has_studio_ended else IDLE_TIMEOUT_S
            if not self._clients and time.monotonic() - self._last_use > limit:
                return

    @contextlib.contextmanager
    def _client(self) -> Iterator[None]:
        """Count a connected client."""
        self._clients += 1
        try:
            yield
        finally:
            self._clients -= 1
            self._last_use = time.monotonic()

    async def _read_serial(self) -> None:
        while data := await self._process.read_serial():
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
        self._process.serial[1].write(command + b"\n")
        await asyncio.wait_for(answered.wait(), ANSWER_TIMEOUT_S)

    async def _serve_serial(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._client(), contextlib.suppress(ConnectionError):
            first = b""
            with contextlib.suppress(TimeoutError):
                first = await asyncio.wait_for(reader.read(1), ENQ_TIMEOUT_S)
            client = BacklogReader(self._backlog, acknowledges=first == ENQ)
            self._readers.add(client)
            sending = asyncio.create_task(client.send(writer))
            try:
                data = first.replace(ENQ, b"")
                while True:
                    self._process.serial[1].write(client.receive(data))
                    if not (data := await reader.read(4096)):
                        break
            finally:
                self._readers.remove(client)
                sending.cancel()
                writer.close()

    async def _serve_microphone(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._client():
            await self._handle_microphone(reader, writer)

    async def _handle_microphone(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            command = (await reader.readline()).strip()
            if command == b"overflow":
                await self._frames.send(b"X")
                writer.write(b"done\n")
            elif self._microphone_in_use.locked():
                writer.write(b"busy\n")
            elif command in (b"stream", b"continue"):
                async with self._microphone_in_use:
                    if command == b"stream":
                        await self._restart_microphone()
                    writer.write(b"ready\n")
                    writer.write(b"done %d\n" % await self._forward_pcm(reader, writer))
            await writer.drain()
        except (ConnectionError, TimeoutError, ValueError) as error:  # ValueError: a command without a line end
            print(f"microphone: {error!r}", file=sys.stderr, flush=True)
        finally:
            writer.close()

    async def _restart_microphone(self) -> None:
        """Stop the sketch, wait for the frames of an earlier stream, start it: the next sample has the number 0."""
        await self._command(b"s", b'"state":"stopped"')
        await self._frames.wait_processed()
        await self._command(b"r", b'"state":"running"')

    async def _forward_pcm(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        samples = reported = 0
        while pcm := await _up_to(reader, FRAME_BYTES):
            for client in list(self._readers):  # the sound is as fast as the slowest of them, so that it loses no line
                await client.catch_up()
            await self._frames.send(b"D", pcm[: len(pcm) // 2 * 2])
            samples += len(pcm) // 2
            if samples - reported >= MICROPHONE_RATE_HZ:
                reported += MICROPHONE_RATE_HZ
                writer.write(b"at %d\n" % reported)
        await self._frames.send(b"E")
        await self._frames.wait_processed()
        return samples


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


async def _wait_for(event: asyncio.Event) -> None:
    await event.wait()


def _stop_signal() -> asyncio.Task[None]:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return asyncio.create_task(_wait_for(stopped))


def main(folder: Path) -> int:
    """Continue in a child process; the process that was started ends when the board runs or has failed."""
    ready, report_ready = os.pipe()
    if continue_in_session() is not None:
        os.close(report_ready)
        return 0 if os.read(ready, 1) else BoardError.exit_code
    os.close(ready)
    return _run(BoardFolder(folder), lambda: os.write(report_ready, b"+"))


def _run(folder: BoardFolder, on_ready: Callable[[], object]) -> int:
    try:
        with acquire_lock(folder.daemon_lock):
            asyncio.run(EmulatorDaemon(folder, folder.read_launch(), on_ready).run())
    except BlockingIOError:
        print("another emulator daemon runs this board", file=sys.stderr)
    except TimeoutError:
        print(f"the sketch printed no start message within {START_TIMEOUT_S:.0f} s", file=sys.stderr)
    except (OSError, EitkError) as error:
        print(error, file=sys.stderr)
    else:
        return 0
    return BoardError.exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
