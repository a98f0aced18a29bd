"""Let a board hear clips and compare, window by window, what it says with what the int8 model says in Python."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.board.emulator.microphone import feed
from ei_toolkit.board.emulator.virtual_boards import BoardState
from ei_toolkit.board.protocol.events import Event, Info, Prediction, Warning
from ei_toolkit.board.protocol.parser import Parser
from ei_toolkit.board.transport.link import Link, LinkLost
from ei_toolkit.board.transport.watch import events
from ei_toolkit.board.verify.reference import Reference
from ei_toolkit.errors import BoardError, DataError, EitkError

PREDICTION_TIMEOUT_S = 120.0  # a board that says nothing for so long while it is fed has failed


@dataclass(frozen=True)
class VerifiedWindow:
    """One window: what the board printed and what Python says. Scores are int8, in the order of the board's labels.

    `python_q` is empty where the board heard through the air, and Python cannot know which samples.
    """

    clip: str
    label: str
    end_ms: int
    board_scores: dict[str, float]
    board_q: tuple[int, ...]
    python_q: tuple[int, ...]
    winner: str
    dsp_us: int | None
    nn_us: int | None

    @property
    def equal(self) -> bool:
        """Whether board and Python agree in every bit of every score."""
        return bool(self.python_q) and self.board_q == self.python_q


@dataclass(frozen=True)
class VerifiedClip:
    """A clip as the board heard it; `warnings` are what it complained about meanwhile."""

    clip: str
    label: str
    windows: tuple[VerifiedWindow, ...]
    warnings: tuple[str, ...]

    @property
    def winner(self) -> str:
        """The label with the highest mean score."""
        labels = list(self.windows[0].board_scores)
        return max(labels, key=lambda label: sum(window.board_scores[label] for window in self.windows))

    @property
    def equal(self) -> int:
        """Windows on which board and Python agree."""
        return sum(window.equal for window in self.windows)


def listen(clip: Path, label: str, state: BoardState, link: Link, reference: Reference, hop: int) -> VerifiedClip:
    """Play `clip` to the board and collect its answers; `hop` is the board's, in samples.

    Raises DataError for a clip shorter than a window, BoardError if answers do not come.
    """
    samples = read_clip(clip, reference.settings.slice.sample_rate)
    ends = list(range(reference.window, len(samples) + 1, hop))
    if not ends:
        raise DataError(f"{clip.name} is shorter than a window", hint="Give a longer clip.")
    _skip_what_was_said(link)
    try:
        predictions, warnings = _hear(samples, ends, state, link)
    except LinkLost as error:
        raise BoardError("the board stopped while it listened", why=str(error), hint="eitk flash") from None
    python = [tuple(int(value) for value in row) for row in reference.scores(samples, ends)]
    rate = reference.settings.slice.sample_rate
    windows = tuple(
        verified_window(clip.name, label, said, scores, rate) for said, scores in zip(predictions, python, strict=True)
    )
    return VerifiedClip(clip.name, label, windows, tuple(warnings))


def verified_window(clip: str, label: str, said: Prediction, python_q: tuple[int, ...], rate: int) -> VerifiedWindow:
    """A board's answer beside Python's."""
    return VerifiedWindow(
        clip=clip,
        label=label,
        end_ms=(said.end or 0) * 1000 // rate,
        board_scores=dict(said.scores),
        board_q=said.q or (),
        python_q=python_q,
        winner=said.winner,
        dsp_us=said.dsp_us,
        nn_us=said.nn_us,
    )


def _hear(
    samples: NDArray[np.int16], ends: Sequence[int], state: BoardState, link: Link
) -> tuple[list[Prediction], list[str]]:
    """Play the samples and give the answer for each window, and the warnings."""
    feeding = _Feeding(state, samples)
    answers: dict[int, Prediction] = {}
    warnings: list[str] = []
    last_word = time.monotonic()
    started = False
    for event in events(link, Parser()):
        if event is not None:
            last_word = time.monotonic()
        started = started or _is_running(event)
        if isinstance(event, Warning) and started:
            warnings.append(event.text)
        if isinstance(event, Prediction) and started and event.end is not None:
            answers[event.end] = event
        if ends[-1] in answers:
            break
        if feeding.error is not None:
            raise feeding.error
        if time.monotonic() - last_word > PREDICTION_TIMEOUT_S:
            break
    feeding.join()
    missing = [end for end in ends if end not in answers]
    if missing:
        raise BoardError(
            f"the board left out {len(missing)} of {len(ends)} answers", why="; ".join(warnings[:3]), hint="eitk flash"
        )
    return [answers[end] for end in ends], warnings


class _Feeding:
    """The clip going to the microphone, in a thread, while the answers are read."""

    def __init__(self, state: BoardState, samples: NDArray[np.int16]) -> None:
        self.error: EitkError | None = None
        self._thread = threading.Thread(target=self._feed, args=(state, samples), daemon=True)
        self._thread.start()

    def _feed(self, state: BoardState, samples: NDArray[np.int16]) -> None:
        try:
            feed(state, samples)
        except EitkError as error:
            self.error = error

    def join(self) -> None:
        self._thread.join()


def _is_running(event: Event | None) -> bool:
    return isinstance(event, Info) and event.data.get("state") == "running"


def _skip_what_was_said(link: Link) -> None:
    """Use up lines from before, so that an old answer is not taken for a new one."""
    while data := link.read(0.3):
        link.used(data.count(b"\n"))
