"""The self-test of the sketch, computed in Python: the correct answer of a board to the command `c`.

The windows are those of firmware/audio_classifier/selftest.h, computed in integer arithmetic.
"""

from __future__ import annotations

import time
import zlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.board.board import BoardContext
from ei_toolkit.board.boards.registry import board_named
from ei_toolkit.board.flash.deployment import pinned
from ei_toolkit.board.protocol.events import Info
from ei_toolkit.board.protocol.parser import Parser
from ei_toolkit.board.transport.link import Link, LinkLost
from ei_toolkit.board.transport.watch import events
from ei_toolkit.board.verify.reference import Reference
from ei_toolkit.errors import BoardError

WINDOWS = 4
ANSWER_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class SelfTest:
    """CRC-32 of the levelled samples of all windows, and of their int8 scores."""

    samples_crc: int
    scores_crc: int


def selftest_window(number: int, size: int) -> NDArray[np.int16]:
    """Return window `number`: a triangle wave of its own period plus noise whose level falls from window to window."""
    i = np.arange(size, dtype=np.int64)
    period = 40 + 64 * number
    phase = i % period
    triangle = np.where(phase * 2 < period, phase, period - phase) * 16000 // period - 4000
    noise = ((_hash((number << 20) + i) >> 18).astype(np.int64) - 8192) >> number
    faded = np.sign(triangle) * (np.abs(triangle) // (number + 1))  # C++ divides towards zero
    window: NDArray[np.int16] = (faded + noise + 100).astype(np.int16)
    return window


def expected(reference: Reference) -> SelfTest:
    """Compute the self-test with the model of `reference`."""
    samples = scores = 0
    for number in range(WINDOWS):
        window = selftest_window(number, reference.window)
        samples = zlib.crc32(reference.levelled(window).astype("<i2").tobytes(), samples)
        scores = zlib.crc32(reference.score_window(window).tobytes(), scores)
    return SelfTest(samples, scores)


def run_on(link: Link) -> SelfTest:
    """Run the self-test of a board. Raises BoardError if it does not answer, or its classifier failed."""
    answer = ask(link, b"c", "selftest")
    passed = isinstance(answer, dict) and answer.get("ok") is True
    numbers = [answer.get(key) for key in ("samples_crc", "scores_crc")] if passed else []
    if not passed or not all(isinstance(number, int) for number in numbers):
        raise BoardError("the self-test of the board failed", why=f"its answer was {answer}")
    return SelfTest(*numbers)


def ask(link: Link, command: bytes, answer: str) -> Any:
    """Send a command and return the member `answer` of the JSON line that answers it.

    Raises BoardError if there is none within ANSWER_TIMEOUT_S.
    """
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    try:
        link.write(command + b"\n")
        for event in events(link, Parser(), seconds=ANSWER_TIMEOUT_S):
            found = event.data.get(answer) if isinstance(event, Info) else None
            if found is not None:
                return found
            if time.monotonic() > deadline:
                break
    except LinkLost as error:
        raise BoardError(
            f"the connection was lost before the board answered {command.decode()!r}", why=str(error), hint="eitk flash"
        ) from None
    raise BoardError(
        f"the board does not answer {command.decode()!r}", hint="It may not run eitk's sketch. Flash it: eitk flash"
    )


def _hash(numbers: NDArray[np.int64]) -> NDArray[np.uint32]:
    with np.errstate(over="ignore"):
        value = (numbers + 1).astype(np.uint32) * np.uint32(2654435761)
        value ^= value >> np.uint32(15)
        hashed: NDArray[np.uint32] = value * np.uint32(2246822519)
    return hashed


@dataclass(frozen=True)
class Checked:
    """A board whose self-test equals the one in Python."""

    board: str
    test: SelfTest

    def as_json(self) -> dict[str, Any]:
        """The result as JSON, for `eitk board check --json`."""
        return {"board": self.board, "equal": True, **asdict(self.test)}


def check_board(context: BoardContext) -> Checked:
    """Run the self-test on the configured board. Raises BoardError if it differs from the one in Python."""
    board = board_named(context.settings.board.name)
    model = pinned(context.paths).model_path(context.paths.root)
    correct = expected(Reference.load(context.settings, model))
    link = board.source(context).first()
    try:
        received = run_on(link)
    finally:
        link.close()
    if received != correct:
        what = "samples" if received.samples_crc != correct.samples_crc else "scores"
        raise BoardError(
            f"the self-test of the {board.name} board differs from Python in its {what}",
            why=f"{asdict(received)} on the board, {asdict(correct)} in Python",
            hint=f"It may run another model or other level settings: eitk flash --board {board.name}",
        )
    return Checked(board.name, received)
