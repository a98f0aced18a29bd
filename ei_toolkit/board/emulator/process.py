"""The program of a virtual board (QEMU with an image, or the host program) and the sockets of its two lines."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from ei_toolkit.board.emulator.shared_memory import SharedMemory
from ei_toolkit.system import end_with_parent

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
STOP_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class EmulatorProcess:
    """A running program with its serial line, its microphone line, and the memory that it shares, if it does."""

    process: asyncio.subprocess.Process
    serial: Line
    microphone: Line
    memory: SharedMemory | None

    async def read_serial(self) -> bytes:
        """Return bytes that the board has printed; none if it has closed its line."""
        reader, _ = self.serial
        data = await reader.read(65536)
        while data and self.memory and not (printed := self.memory.take_printed(data)):
            data = await reader.read(65536)
        return printed if data and self.memory else data

    async def wait(self) -> None:
        """Wait until the program ends by itself."""
        code = await self.process.wait()
        print(f"the program of the board ended with code {code}", file=sys.stderr, flush=True)

    async def stop(self) -> None:
        """Terminate the program; kill it if it does not end in time."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), STOP_TIMEOUT_S)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()


async def start_process(command: Sequence[str]) -> EmulatorProcess:
    """Start `command`, in which {serial}, {microphone} and {memory} become file descriptors."""
    serial, program_serial = socket.socketpair()
    microphone, program_microphone = socket.socketpair()
    with program_serial, program_microphone, tempfile.TemporaryFile() as file:
        descriptors = {
            "{serial}": program_serial.fileno(), "{microphone}": program_microphone.fileno(), "{memory}": file.fileno(),
        }  # fmt: skip
        is_shared = any("{memory}" in argument for argument in command)
        memory = SharedMemory(file) if is_shared else None
        process = await asyncio.create_subprocess_exec(
            *(_with_descriptors(argument, descriptors) for argument in command),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=tuple(descriptors.values()),
            preexec_fn=end_with_parent,
        )
    return EmulatorProcess(process, await _open(serial), await _open(microphone), memory)


def _with_descriptors(argument: str, descriptors: dict[str, int]) -> str:
    for name, number in descriptors.items():
        argument = argument.replace(name, str(number))
    return argument


async def _open(line: socket.socket) -> Line:
    line.setblocking(False)
    return await asyncio.open_connection(sock=line)
