"""What happens to the studio of `chaos.py`: its server is killed, its disk fills up, its clock is set."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ei_toolkit.client.endpoint import Endpoint
from ei_toolkit.client.project import Studio
from ei_toolkit.client.transport import Transport
from ei_toolkit.studio.lifecycle import ensure_own_key, spawn_server, status

DISK_MIB = 256
INSIDE = "EITK_CHAOS_NAMESPACE"  # set in the process that has a mount namespace of its own


class Server:
    """The server process of the data folder, on two ports that stay the same after a kill."""

    def __init__(self, data: Path, clock: Clock) -> None:
        self.data, self._clock = data, clock
        self.ports = [free_port(), free_port()]
        self.key = ensure_own_key(data, "Chaos")
        self.pid = 0

    def start(self) -> None:
        """Start the process and wait until it responds; a disk without space is waited for as well."""
        flags = ["--port", str(self.ports[0]), "--ingestion-port", str(self.ports[1])]
        with environment(self._clock.environment):
            self.pid = spawn_server(self.data, flags)
        while status(self.data) is None:
            if os.waitpid(self.pid, os.WNOHANG) != (0, 0):
                time.sleep(1.0)
                return self.start()
            time.sleep(0.05)
        return None

    def kill(self) -> None:
        """End the process with SIGKILL."""
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def studio(self, ports: list[int]) -> Studio:
        """Return a client of the project, through these ports of the API and of uploads."""
        api, ingestion = (f"http://127.0.0.1:{port}" for port in ports)
        return Studio(Transport(Endpoint(f"{api}/v1", ingestion, self.key, 1, "chaos")), 1)


def free_port() -> int:
    """Return a port that no program uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables of this process for the block; `spawn_server` passes its environment on."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Clock:
    """The clock of the server and its jobs, which a preloaded library shifts by the seconds in a file."""

    def __init__(self, folder: Path) -> None:
        self._file, library = folder / "clock", folder / "shifted_clock.so"
        self.set(0)
        source = Path(__file__).with_name("_shifted_clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(source)], check=True)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_SHIFT_FILE": str(self._file)}

    def set(self, seconds: int) -> None:
        """Shift the clock of all processes that run with `environment`."""
        with self._file.open("r+b" if self._file.exists() else "wb", buffering=0) as file:
            file.write(struct.pack("=q", seconds))


class Faults:
    """Kills of the server, a full disk, and another clock; each in turn, at random times."""

    def __init__(self, server: Server, disk: Path | None, clock: Clock, count: Callable[[str], None]) -> None:
        self._server, self._disk, self._clock, self._count = server, disk, clock, count
        self._random = random.Random(3)

    def run(self, seconds: float, report: Callable[[float], None]) -> None:
        """Let faults happen for so many seconds; the last third is without kills of the server.

        `report` is called with the seconds that have passed after each.
        """
        start = time.monotonic()
        while (passed := time.monotonic() - start) < seconds:
            kinds = [self.change_clock, self.change_clock, *([self.fill_disk] if self._disk else [])]
            kinds += [self.kill_server, self.kill_server] if passed < seconds * 2 / 3 else [self.rest]
            self._random.choice(kinds)()
            time.sleep(min(self._random.uniform(1.0, 10.0), max(0.0, seconds - (time.monotonic() - start))))
            report(passed)

    def rest(self) -> None:
        """Let nothing happen for a moment."""

    def kill_server(self) -> None:
        """Kill the server and start it again after a moment."""
        self._server.kill()
        self._count("kills_of_server")
        time.sleep(self._random.uniform(0.0, 2.0))
        self._server.start()

    def fill_disk(self) -> None:
        """Fill the disk of the studio for some seconds."""
        assert self._disk is not None
        filler = self._disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            for size in (2**20, 2**12, 2**9):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)) == size:
                        pass
        self._count("disk_full")
        time.sleep(self._random.uniform(1.0, 6.0))
        filler.unlink()

    def change_clock(self) -> None:
        """Set the clock of the server and its jobs to another time, up to 400 days away."""
        self._clock.set(self._random.choice([0, 1, 60, 3600, 86_400, 400 * 86_400]) * self._random.choice([-1, 1]))
        self._count("clock_changes")


def namespace_command() -> list[str]:
    """Return the command that runs a program with mounts of its own; empty if the system has or allows none."""
    flags = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    command = ["unshare", *flags]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], capture_output=True).returncode:
        return []
    return command


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """Mount a small tmpfs for the block, if this process has a mount namespace of its own."""
    if INSIDE not in os.environ:
        yield None
        return
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
