"""The program of a virtual board (QEMU with an image, or the host program) and the sockets of its two lines."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from ei_toolkit.system import end_with_parent

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
STOP_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class EmulatorProcess:
    """A running program with its serial line and its microphone line."""

    process: asyncio.subprocess.Process
    serial: Line
    microphone: Line

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
    """Start `command`, in which {serial} and {microphone} become the file descriptors of its two sockets."""
    serial, program_serial = socket.socketpair()
    microphone, program_microphone = socket.socketpair()
    with program_serial, program_microphone:
        descriptors = {"{serial}": program_serial.fileno(), "{microphone}": program_microphone.fileno()}
        process = await asyncio.create_subprocess_exec(
            *(_with_descriptors(argument, descriptors) for argument in command),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=tuple(descriptors.values()),
            preexec_fn=end_with_parent,
        )
    return EmulatorProcess(process, await _open(serial), await _open(microphone))


def _with_descriptors(argument: str, descriptors: dict[str, int]) -> str:
    for name, number in descriptors.items():
        argument = argument.replace(name, str(number))
    return argument


async def _open(line: socket.socket) -> Line:
    line.setblocking(False)
    return await asyncio.open_connection(sock=line)
