"""The program behind a stand-in board: QEMU with the image, or the image itself, and its two lines."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.board import toolchain

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
STOP_TIMEOUT_S = 3.0
PR_SET_PDEATHSIG = 1

# One instruction takes 16 ns of the board's time, 62.5 million a second: timings repeat exactly, on any machine.
NS_PER_INSTRUCTION_SHIFT = 4


@dataclass(frozen=True)
class EmulatorProcess:
    """A running program with its serial and its microphone line."""

    process: asyncio.subprocess.Process
    serial: Line
    microphone: Line

    async def wait(self) -> None:
        """Wait until the program ends by itself."""
        code = await self.process.wait()
        print(f"the board's program ended with code {code}", file=sys.stderr, flush=True)

    async def stop(self) -> None:
        """End the program, the hard way if need be."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), STOP_TIMEOUT_S)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()


async def start_process(board: str, image: Path) -> EmulatorProcess:
    """Start the program of the board `emulated` or `host`."""
    serial, guest_serial = socket.socketpair()
    microphone, guest_microphone = socket.socketpair()
    with guest_serial, guest_microphone:
        lines = guest_serial.fileno(), guest_microphone.fileno()
        command = _qemu(image, *lines) if board == "emulated" else [str(image), *map(str, lines)]
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, pass_fds=lines, preexec_fn=_die_with_the_keeper
        )
    return EmulatorProcess(process, await _open(serial), await _open(microphone))


def _qemu(image: Path, serial: int, microphone: int) -> Sequence[str]:
    return [
        toolchain.qemu(), "-machine", "mps2-an386", "-display", "none", "-monitor", "none", "-no-reboot",
        "-icount", f"shift={NS_PER_INSTRUCTION_SHIFT}",
        "-chardev", f"socket,id=serial,fd={serial}", "-serial", "chardev:serial",
        "-chardev", f"socket,id=microphone,fd={microphone},mux=on", "-serial", "chardev:microphone",
        "-kernel", str(image),
    ]  # fmt: skip


def _die_with_the_keeper() -> None:
    """In the child: end when the keeper does, even when that is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


async def _open(line: socket.socket) -> Line:
    line.setblocking(False)
    return await asyncio.open_connection(sock=line)
