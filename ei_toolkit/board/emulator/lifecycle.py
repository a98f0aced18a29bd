"""Start, find and stop the emulator process of a virtual board.

`.eitk/boards/<name>/` holds `lock` (locked while the emulator daemon runs), `launch.json` (what the daemon starts),
`state.json` (how a running board is reached), `emulator.log` and the built image.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.errors import BoardError
from ei_toolkit.system import require_posix, signal_process

START_TIMEOUT_S = 40.0
STOP_TIMEOUT_S = 10.0
POLL_INTERVAL_S = 0.02


@dataclass(frozen=True)
class Launch:
    """The program of a virtual board. In `command`, {serial}, {microphone} and {memory} stand for file descriptors.

    `studio_lock`: the lock file of the project's local studio. A board that was started while it ran ends after it.
    """

    board: str
    command: tuple[str, ...]
    model_sha256: str
    image_sha256: str
    studio_lock: str = ""


@dataclass(frozen=True)
class BoardState:
    """A running board: the process id of its daemon, the loopback ports of its serial line and of its microphone."""

    board: str
    pid: int
    serial_port: int
    microphone_port: int
    model_sha256: str
    image_sha256: str
    started: str

    @property
    def address(self) -> str:
        """The serial line as pyserial opens it."""
        return f"socket://127.0.0.1:{self.serial_port}"


@dataclass(frozen=True)
class BoardFolder:
    """The folder of one board."""

    path: Path

    @property
    def state_file(self) -> Path:
        """State of the running board."""
        return self.path / "state.json"

    @property
    def log_file(self) -> Path:
        """Error messages of the daemon and of the emulator."""
        return self.path / "emulator.log"

    @property
    def launch_file(self) -> Path:
        """The program that was flashed last."""
        return self.path / "launch.json"

    @property
    def build(self) -> Path:
        """Objects, library and sketch of the last build."""
        return self.path / "build"

    @property
    def daemon_lock(self) -> Path:
        """The lock file of the daemon while it runs."""
        return self.path / "lock"

    @property
    def flash_lock(self) -> Path:
        """The lock file of one `eitk flash` at a time."""
        return self.path / "flash.lock"

    def write_launch(self, launch: Launch) -> None:
        """Write what the daemon starts."""
        write_text(self.launch_file, json.dumps(asdict(launch)))

    def read_launch(self) -> Launch:
        """Read what `write_launch` wrote."""
        data = json.loads(self.launch_file.read_text(encoding="utf-8"))
        return Launch(**data | {"command": tuple(data["command"])})

    def write_state(self, state: BoardState) -> None:
        """Write the state of a board that runs now."""
        write_text(self.state_file, json.dumps(asdict(state)))

    def running(self) -> BoardState | None:
        """Return the state of the running board; None if its daemon is not running."""
        return self._read_state() if self.has_daemon() else None

    def has_daemon(self) -> bool:
        """Whether a daemon runs. Deletes the state file that a killed daemon left."""
        if not self.path.is_dir():
            return False
        try:
            with acquire_lock(self.daemon_lock):
                self.state_file.unlink(missing_ok=True)
            return False
        except BlockingIOError:
            return True

    def _read_state(self) -> BoardState | None:
        try:
            return BoardState(**json.loads(self.state_file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None  # the daemon is starting
        except (ValueError, TypeError) as error:
            raise BoardError(
                f"{self.state_file} cannot be read", why=str(error), hint=f"eitk board stop {self.path.name}"
            ) from None


def folder_of(boards: Path, name: str) -> BoardFolder:
    """Return the folder of a board by name."""
    return BoardFolder(boards / name)


def start(boards: Path, launch: Launch) -> BoardState:
    """Start a board in a process that outlives this one; a running board of the same name is stopped first.

    Raises BoardError if the board does not start, and MissingToolError on Windows.
    """
    require_posix("a virtual board")
    folder = folder_of(boards, launch.board)
    stop(boards, launch.board)
    folder.write_launch(launch)
    command = [sys.executable, "-m", "ei_toolkit.board.emulator.daemon", str(folder.path)]
    with folder.log_file.open("wb") as log, contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=START_TIMEOUT_S, check=False)
    state = folder.running()
    if state is None:
        messages = folder.log_file.read_text(errors="replace").strip().splitlines()
        raise BoardError(
            f"the {launch.board} board does not start",
            why=messages[-1] if messages else "its program printed no message",
            hint=f"See {folder.log_file}",
        )
    return state


def stop(boards: Path, name: str) -> bool:
    """Stop a board; return False if it was not running. Raises BoardError if its daemon does not end."""
    folder = folder_of(boards, name)
    state = folder.running()
    if state is None:
        return False
    try:
        signal_process(state.pid)
    except ProcessLookupError:
        return False
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while folder.has_daemon():
        if time.monotonic() > deadline:
            raise BoardError(
                f"the {name} board did not stop within {STOP_TIMEOUT_S:.0f} s",
                why=f"its emulator process is {state.pid}",
                hint=f"kill -9 {state.pid}",
            )
        time.sleep(POLL_INTERVAL_S)
    return True


def running_state(boards: Path, name: str) -> BoardState:
    """Return how the virtual board `name` is reached. Raises BoardError if it is not running."""
    state = folder_of(boards, name).running()
    if state is None:
        raise BoardError(f"the {name} board is not running", hint=f"Start it: eitk flash --board {name}")
    return state
