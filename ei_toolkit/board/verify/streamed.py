"""Stream clips to a board and compare, window by window, its scores with those of the int8 model in Python."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.board.emulator.microphone import MicStream
from ei_toolkit.board.protocol.events import Event, Info, Prediction, Warning
from ei_toolkit.board.protocol.parser import Parser
from ei_toolkit.board.transport.link import Link, LinkLost
from ei_toolkit.board.transport.watch import events
from ei_toolkit.board.verify.reference import Reference
from ei_toolkit.errors import BoardError, DataError, EitkError

OUTPUT_TIMEOUT_S = 120.0  # a board without output for this time while PCM is streamed to it has failed
DISCARD_TIMEOUT_S = 0.3


@dataclass(frozen=True)
class VerifiedWindow:
    """The scores of one window on the board and in Python.

    `board_q` and `python_q` are int8, in the order of the labels of the board. `python_q` is empty if the clip was
    played on a loudspeaker, because Python does not have the recorded samples.
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
        """Whether all int8 scores of the board equal those of Python."""
        return bool(self.python_q) and self.board_q == self.python_q


@dataclass(frozen=True)
class VerifiedClip:
    """The windows of one clip, and the warnings that the board printed in the meantime."""

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
        """Number of windows whose scores equal those of Python."""
        return sum(window.equal for window in self.windows)


def verify_streamed(
    clip: Path, label: str, microphone: MicStream, link: Link, reference: Reference, hop: int
) -> VerifiedClip:
    """Stream `clip` to the board and collect its predictions; `hop` is the hop of the board in samples.

    A clip that is shorter than a window gets zeros at its end where the project pads its clips.

    Raises DataError for a clip shorter than a window, BoardError if predictions are missing.
    """
    cut = reference.settings.slice
    warnings: list[str] = []
    samples = read_clip(clip, cut.sample_rate, reading=cut.reading, warn=warnings.append)
    if cut.short == "pad":
        samples = np.pad(samples, (0, max(0, reference.window - len(samples))))
    ends = list(range(reference.window, len(samples) + 1, hop))
    if not ends:
        raise DataError(
            f"{clip.name} is shorter than a window", hint='Use a longer clip, or set [slice] short = "pad".'
        )
    _discard_earlier_output(link)
    try:
        predictions, from_board = _collect(samples, ends, microphone, link)
    except LinkLost as error:
        raise BoardError(
            f"the board stopped during the verification of {clip.name}", why=str(error), hint="eitk flash"
        ) from None
    python = [tuple(int(value) for value in row) for row in reference.scores(samples, ends)]
    rate = reference.settings.slice.sample_rate
    windows = tuple(
        verified_window(clip.name, label, prediction, scores, rate)
        for prediction, scores in zip(predictions, python, strict=True)
    )
    return VerifiedClip(clip.name, label, windows, (*warnings, *from_board))


def verified_window(
    clip: str, label: str, prediction: Prediction, python_q: tuple[int, ...], rate: int
) -> VerifiedWindow:
    """Combine a prediction of the board with the scores of Python."""
    return VerifiedWindow(
        clip=clip,
        label=label,
        end_ms=(prediction.end or 0) * 1000 // rate,
        board_scores=dict(prediction.scores),
        board_q=prediction.q or (),
        python_q=python_q,
        winner=prediction.winner,
        dsp_us=prediction.dsp_us,
        nn_us=prediction.nn_us,
    )


def _collect(
    samples: NDArray[np.int16], ends: Sequence[int], microphone: MicStream, link: Link
) -> tuple[list[Prediction], list[str]]:
    """Stream the samples and return the prediction of each window, and the warnings."""
    stream = _StreamThread(microphone, samples)
    predictions: dict[int, Prediction] = {}
    warnings: list[str] = []
    last_output = time.monotonic()
    started = False
    for event in events(link, Parser()):
        if event is not None:
            last_output = time.monotonic()
        started = started or _is_running(event)
        if isinstance(event, Warning) and started:
            warnings.append(event.text)
        if isinstance(event, Prediction) and started and event.end is not None:
            predictions[event.end] = event
        if ends[-1] in predictions:
            break
        if stream.error is not None:
            raise stream.error
        if time.monotonic() - last_output > OUTPUT_TIMEOUT_S:
            break
    stream.join()
    missing = [end for end in ends if end not in predictions]
    if missing:
        raise BoardError(
            f"{len(missing)} of {len(ends)} predictions of the board are missing",
            why="; ".join(warnings[:3]),
            hint="eitk flash",
        )
    return [predictions[end] for end in ends], warnings


class _StreamThread:
    """Streams the clip to the microphone in a thread, while the predictions are read."""

    def __init__(self, microphone: MicStream, samples: NDArray[np.int16]) -> None:
        self.error: EitkError | None = None
        self._thread = threading.Thread(target=self._stream, args=(microphone, samples), daemon=True)
        self._thread.start()

    def _stream(self, microphone: MicStream, samples: NDArray[np.int16]) -> None:
        try:
            microphone.stream_pcm(samples)
        except EitkError as error:
            self.error = error

    def join(self) -> None:
        self._thread.join()


def _is_running(event: Event | None) -> bool:
    return isinstance(event, Info) and event.data.get("state") == "running"


def _discard_earlier_output(link: Link) -> None:
    """Acknowledge lines from before, so that an old prediction is not taken for a new one."""
    while data := link.read(DISCARD_TIMEOUT_S):
        link.acknowledge(data.count(b"\n"))
