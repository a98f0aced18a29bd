"""Start, stop and list the boards that run on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ei_toolkit.board.image import Image, write_image_facts
from ei_toolkit.board.state import STAND_INS, BoardFolder, BoardState
from ei_toolkit.errors import BoardError

START_TIMEOUT_S = 40.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.02


def folder_of(boards: Path, name: str) -> BoardFolder:
    """The folder of a board by name."""
    return BoardFolder(boards / name)


def running_boards(boards: Path) -> Iterator[BoardState]:
    """Every board of this project that runs."""
    for name in STAND_INS:
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
    command = [sys.executable, "-m", "ei_toolkit.board.keeper", str(folder.path), name]
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
