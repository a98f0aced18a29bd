"""What is written down about a board that runs on this machine, and whether it still runs.

`.eitk/boards/<name>/` holds `lock` (held by the living keeper), `state.json`, `emulator.log` and the built image.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ei_toolkit.board.emulator.image import Image, write_image_facts
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.errors import BoardError, ConfigurationError

VIRTUAL_BOARDS = ("emulated", "host")
USB_BOARD = "nano33ble"


@dataclass(frozen=True)
class BoardState:
    """A running board: its keeper's process and the loopback ports of its serial line and its microphone."""

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
    def lock_file(self) -> Path:
        """Locked for as long as the keeper lives."""
        return self.path / "lock"

    @property
    def log_file(self) -> Path:
        """Errors of the emulator process and of QEMU."""
        return self.path / "emulator.log"

    @property
    def image_facts(self) -> Path:
        """State of the image that was flashed last."""
        return self.path / "image.json"

    @property
    def build(self) -> Path:
        """Objects, library and sketch of the last build."""
        return self.path / "build"

    def write_state(self, state: BoardState) -> None:
        """Write the state in one step."""
        write_text(self.state_file, json.dumps(asdict(state)))

    def running(self) -> BoardState | None:
        """The running board; None, and its stale state cleaned, where its keeper has died."""
        return self._read() if self.kept() else None

    def kept(self) -> bool:
        """Whether a keeper lives. Cleans the state of one that died."""
        if not self.path.is_dir():
            return False
        try:
            with acquire_lock(self.lock_file):
                self.state_file.unlink(missing_ok=True)
            return False
        except BlockingIOError:
            return True

    def _read(self) -> BoardState | None:
        try:
            return BoardState(**json.loads(self.state_file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None  # the keeper has begun and is not ready yet
        except (ValueError, TypeError) as error:
            raise BoardError(
                f"{self.state_file} cannot be read", why=str(error), hint=f"eitk board stop {self.path.name}"
            ) from None


def check_name(name: str) -> None:
    """Raises ConfigurationError for a board that nobody knows."""
    if name not in (USB_BOARD, *VIRTUAL_BOARDS):
        raise ConfigurationError(f"{name!r} is not a board", hint=f"One of {USB_BOARD}, {', '.join(VIRTUAL_BOARDS)}.")


def check_virtual_board(name: str) -> None:
    """Raises ConfigurationError for a board that nobody knows, BoardError for one that is not of this machine."""
    check_name(name)
    if name not in VIRTUAL_BOARDS:
        raise BoardError(f"{name} does not run on this machine", hint=f"One of {', '.join(VIRTUAL_BOARDS)}.")


START_TIMEOUT_S = 40.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.02


def folder_of(boards: Path, name: str) -> BoardFolder:
    """The folder of a board by name."""
    return BoardFolder(boards / name)


def running_boards(boards: Path) -> Iterator[BoardState]:
    """Every board of this project that runs."""
    for name in VIRTUAL_BOARDS:
        state = folder_of(boards, name).running()
        if state is not None:
            yield state


def start(boards: Path, name: str, image: Image) -> BoardState:
    """Start a board with an image, in a process that outlives this one; a board that runs is replaced.

    Raises BoardError if it does not come up.
    """
    folder = folder_of(boards, name)
    stop(boards, name)
    write_image_facts(image, folder.image_facts)
    command = [sys.executable, "-m", "ei_toolkit.board.emulator.daemon", str(folder.path), name]
    with folder.log_file.open("wb") as log, contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=START_TIMEOUT_S, check=False)
    state = folder.running()
    if state is None:
        words = folder.log_file.read_text(errors="replace").strip().splitlines()
        raise BoardError(f"the {name} board does not start", why=words[-1] if words else "it said nothing")
    return state


def stop(boards: Path, name: str) -> bool:
    """Stop a board; False if it did not run. Raises BoardError if it does not end."""
    folder = folder_of(boards, name)
    state = folder.running()
    if state is None:
        return False
    try:
        os.kill(state.pid, signal.SIGTERM)
    except ProcessLookupError:
        return False
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while folder.kept():
        if time.monotonic() > deadline:
            raise BoardError(f"the {name} board does not stop", why=f"its keeper is process {state.pid}")
        time.sleep(POLL_S)
    return True
