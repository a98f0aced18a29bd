"""The sketch's self-test, computed in Python: what a board that works must answer to `c`.

The windows are those of firmware/audio_classifier/selftest.h, made by integer arithmetic alone.
"""

from __future__ import annotations

import time
import zlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.board.flash.flash import pinned
from ei_toolkit.board.protocol.events import Info
from ei_toolkit.board.protocol.parser import Parser
from ei_toolkit.board.transport.link import Link, LinkLost
from ei_toolkit.board.transport.ports import Lister
from ei_toolkit.board.transport.watch import events, source_of
from ei_toolkit.board.verify.reference import Reference
from ei_toolkit.config import ProjectPaths, Settings
from ei_toolkit.errors import BoardError

WINDOWS = 4
ANSWER_S = 60.0


@dataclass(frozen=True)
class SelfTest:
    """CRC-32 of the levelled samples of all windows, and of their int8 scores."""

    samples_crc: int
    scores_crc: int


def selftest_window(number: int, size: int) -> NDArray[np.int16]:
    """Window `number`: a triangle of its own period under noise that fades from window to window."""
    i = np.arange(size, dtype=np.int64)
    period = 40 + 64 * number
    phase = i % period
    triangle = np.where(phase * 2 < period, phase, period - phase) * 16000 // period - 4000
    noise = ((_hash((number << 20) + i) >> 18).astype(np.int64) - 8192) >> number
    faded = np.sign(triangle) * (np.abs(triangle) // (number + 1))  # C++ divides towards zero
    window: NDArray[np.int16] = (faded + noise + 100).astype(np.int16)
    return window


def expected(reference: Reference) -> SelfTest:
    """What the model of `reference` answers."""
    samples = scores = 0
    for number in range(WINDOWS):
        window = selftest_window(number, reference.window)
        samples = zlib.crc32(reference.levelled(window).astype("<i2").tobytes(), samples)
        scores = zlib.crc32(reference.score_window(window).tobytes(), scores)
    return SelfTest(samples, scores)


def run_on(link: Link) -> SelfTest:
    """Ask a board for its self-test. Raises BoardError if it does not answer, or could not run it."""
    answer = ask(link, b"c", "selftest")
    if not isinstance(answer, dict) or answer.get("ok") is not True:
        raise BoardError("the board could not run its self-test", why=f"it answered {answer}")
    return SelfTest(int(answer["samples_crc"]), int(answer["scores_crc"]))


def ask(link: Link, command: bytes, answer: str) -> Any:
    """Send a command and give the member `answer` of the JSON line that replies. Raises BoardError after a minute."""
    deadline = time.monotonic() + ANSWER_S
    try:
        link.write(command + b"\n")
        for event in events(link, Parser(), seconds=ANSWER_S):
            found = event.data.get(answer) if isinstance(event, Info) else None
            if found is not None:
                return found
            if time.monotonic() > deadline:
                break
    except LinkLost as error:
        raise BoardError("the board went away before it answered", why=str(error), hint="eitk flash") from None
    raise BoardError(
        f"the board does not answer {command.decode()!r}", hint="Does it run eitk's sketch? Flash it: eitk flash"
    )


def _hash(numbers: NDArray[np.int64]) -> NDArray[np.uint32]:
    with np.errstate(over="ignore"):
        value = (numbers + 1).astype(np.uint32) * np.uint32(2654435761)
        value ^= value >> np.uint32(15)
        hashed: NDArray[np.uint32] = value * np.uint32(2246822519)
    return hashed


@dataclass(frozen=True)
class Checked:
    """A board whose self-test equals Python's."""

    board: str
    test: SelfTest

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {"board": self.board, "equal": True, **asdict(self.test)}


def check_board(settings: Settings, paths: ProjectPaths, ports: Lister) -> Checked:
    """Run the self-test on the configured board. Raises BoardError where it differs from Python."""
    wanted = expected(Reference.load(settings, pinned(paths).model_path(paths.root)))
    link = source_of(paths.boards, settings.board.name, settings.board.port, ports).first()
    try:
        answered = run_on(link)
    finally:
        link.close()
    if answered != wanted:
        what = "samples" if answered.samples_crc != wanted.samples_crc else "scores"
        raise BoardError(
            f"the self-test of the {settings.board.name} board differs from Python in its {what}",
            why=f"{asdict(answered)} against {asdict(wanted)}",
            hint=f"It may run another model or other level settings: eitk flash --board {settings.board.name}",
        )
    return Checked(settings.board.name, answered)
