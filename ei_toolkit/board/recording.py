"""Record with the microphone of a board: samples in order, with every gap reported."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.board.protocol.blocks import (
    Block,
    DamagedLine,
    RecordingEnded,
    RecordingStarted,
    parse_recording_line,
)
from ei_toolkit.board.protocol.parser import LineSplitter
from ei_toolkit.board.transport.link import Link, LinkLost, lost_connection, prompts_before
from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.errors import BoardError

READ_TIMEOUT_S = 0.1
QUIET_S = 0.25  # a stopped board that has sent nothing for this time has sent everything
DRAIN_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 5.0  # longer than the classification that may be in progress
NO_SAMPLES_TIMEOUT_S = 10.0
FLASH_HINT = "Flash the sketch of this version: eitk flash"


@dataclass(frozen=True)
class SketchInfo:
    """The sketch on a board: version, board, hash of the firmware, model and its labels."""

    sketch: str
    board: str
    firmware: str
    model_sha256: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Piece:
    """Consecutive samples of a recording, of which the first has the number `first`: int16, shape (n,)."""

    first: int
    samples: NDArray[np.int16]


@dataclass
class Faults:
    """Blocks of a recording that did not arrive as they were sent. `lost` ones are missing in the recording.

    `overwritten` counts those of the lost ones that the board could not send in time, `damaged` lines with a wrong
    checksum or form, `repeated` blocks that had arrived before.
    """

    lost: int = 0
    overwritten: int = 0
    damaged: int = 0
    repeated: int = 0

    def __bool__(self) -> bool:
        return bool(self.lost or self.damaged or self.repeated)

    def __str__(self) -> str:
        counts = [f"{count:,} {name}" for name, count in vars(self).items() if count]
        return f"blocks: {', '.join(counts)}" if counts else "no block lost"


class BoardLines:
    """The lines of a board in both directions; each line is acknowledged when it is read."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._splitter = LineSplitter()

    def read(self, timeout: float = READ_TIMEOUT_S) -> list[str]:
        """Return the lines that arrive within `timeout` seconds; none if nothing does. Raises BoardError."""
        try:
            lines = self._splitter.add(self._link.read(timeout))
            entries = sum(1 + prompts_before(line) for line in lines)
            if entries:
                self._link.acknowledge(entries)
        except LinkLost as error:
            raise lost_connection(error) from None
        return [line[2 * prompts_before(line) :] for line in lines]

    def command(self, text: str) -> None:
        """Send one command. Raises BoardError."""
        try:
            self._link.write(text.encode() + b"\n")
        except LinkLost as error:
            raise lost_connection(error) from None

    def stop_and_drain(self) -> None:
        """Stop what the board does, and read everything that it has sent. Raises BoardError."""
        self.command("s")
        end = time.monotonic() + DRAIN_TIMEOUT_S
        last = time.monotonic()
        while time.monotonic() - last < QUIET_S:
            if self.read(QUIET_S):
                last = time.monotonic()
            if time.monotonic() > end:
                raise BoardError(
                    "the board does not stop sending", hint="Press its reset button, or flash it again: eitk flash"
                )


def identify(lines: BoardLines, timeout_s: float = ANSWER_TIMEOUT_S) -> SketchInfo:
    """Ask a board for its sketch. Raises BoardError if it is not eitk's, or one of a version that cannot record."""
    lines.command("?")
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for line in lines.read():
            info = _info(line)
            if info is None:
                continue
            if not isinstance(info.get("firmware"), str):
                raise BoardError(
                    f"the sketch on the board cannot record: it is of eitk {info.get('sketch')}", hint=FLASH_HINT
                )
            labels = info.get("labels")
            return SketchInfo(
                sketch=str(info.get("sketch", "")),
                board=str(info.get("board", "")),
                firmware=info["firmware"],
                model_sha256=str(info.get("model_sha256", "")),
                labels=tuple(map(str, labels)) if isinstance(labels, list) else (),
            )
    raise BoardError(
        f"the board does not answer within {timeout_s:g} s",
        why="it runs another sketch, or none",
        hint=FLASH_HINT,
    )


@dataclass
class BoardRecording:
    """A recording on a board that begins when the object is entered and ends when it is left.

        with BoardRecording(BoardLines(link), samples) as recording:
            for piece in recording.pieces(): ...

    `samples` is the length; 0 records until `stop`. `classify_afterwards`: the board classifies again afterwards.
    """

    lines: BoardLines
    samples: int
    classify_afterwards: bool = True
    faults: Faults = field(default_factory=Faults)
    ended: RecordingEnded | None = None
    _started: RecordingStarted | None = None
    _unused: list[str] = field(default_factory=list)  # lines that arrived together with the one at the start
    _next_block: int = 0
    _stopping: bool = False

    def __enter__(self) -> Self:
        self.lines.stop_and_drain()
        self.lines.command(f"m {self.samples}" if self.samples else "m")
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while self._started is None and time.monotonic() < deadline:
            lines = self.lines.read()
            for number, line in enumerate(lines, 1):
                parsed = parse_recording_line(line)
                if isinstance(parsed, RecordingStarted):
                    self._started, self._unused = parsed, lines[number:]
                    break
                if line.startswith("ERR:"):
                    raise BoardError("the board does not record", why=line, hint="Press its reset button.")
        if self._started is None or self._started.samples != self.samples:
            self.lines.command("s")
            raise BoardError(
                "the board did not start the recording",
                why="another program uses it, or its sketch is of another version",
                hint=f"Let one program use the board at a time. {FLASH_HINT}",
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.lines.command("s")
            if self.classify_afterwards:
                self.lines.command("r")
        except BoardError:
            if error is None:
                raise

    @property
    def started(self) -> RecordingStarted:
        """What the board sent at the start."""
        if self._started is None:
            raise RuntimeError("the recording was not entered")
        return self._started

    def stop(self) -> None:
        """End the recording now; `pieces` yields what the board has sent so far."""
        if not self._stopping:
            self._stopping = True
            self.lines.command("s")

    def pieces(self) -> Iterator[Piece | None]:
        """Yield the samples in order, and None after each read without samples, until the recording ends.

        A piece whose `first` is not the end of the one before follows a gap. Raises BoardError if the board stops,
        restarts or is unplugged, or if another program ends the recording.
        """
        last = time.monotonic()
        while self.ended is None:
            lines, self._unused = self._unused or self.lines.read(), []
            parts = [piece for line in lines for piece in self._handle(line)]
            if parts:
                last = time.monotonic()
                yield from parts
            elif time.monotonic() - last > NO_SAMPLES_TIMEOUT_S and not self._is_complete():
                raise BoardError(
                    f"no samples for {NO_SAMPLES_TIMEOUT_S:g} s",
                    why="the board was stopped, or the microphone of a virtual board gets no sound",
                    hint="Press its reset button, or flash it again: eitk flash",
                )
            elif self._is_complete() and time.monotonic() - last > ANSWER_TIMEOUT_S:
                return  # every block is there; the line at the end was damaged
            else:
                yield None
        self._check_end(self.ended)

    def _handle(self, line: str) -> Iterator[Piece]:
        parsed = parse_recording_line(line)
        if isinstance(parsed, Block) and parsed.recording == self.started.number and self._fits(parsed):
            yield from self._accept(parsed)
        elif isinstance(parsed, RecordingEnded) and parsed.number == self.started.number:
            self._end(parsed)
        elif isinstance(parsed, DamagedLine | Block):
            self.faults.damaged += 1
        elif isinstance(parsed, RecordingStarted) and parsed != self.started:
            raise BoardError(
                "another program has started a recording on the board", hint="Let one program use the board at a time."
            )
        elif line.startswith("Edge Impulse Inferencing Demo"):
            raise BoardError("the board was restarted during the recording", hint="Check its cable, then record again.")

    def _fits(self, block: Block) -> bool:
        """Whether a block has the length that its number requires."""
        started = self.started
        first = block.number * started.block_samples
        if started.samples == 0:
            return len(block.samples) == started.block_samples
        return len(block.samples) == min(started.block_samples, started.samples - first)

    def _accept(self, block: Block) -> Iterator[Piece]:
        if block.number < self._next_block:
            self.faults.repeated += 1
            return
        self.faults.lost += block.number - self._next_block
        self._next_block = block.number + 1
        yield Piece(block.number * self.started.block_samples, block.samples)

    def _is_complete(self) -> bool:
        started = self.started
        return bool(started.samples) and self._next_block * started.block_samples >= started.samples

    def _end(self, ended: RecordingEnded) -> None:
        self.faults.overwritten = ended.lost
        self.faults.lost += max(0, ended.blocks + ended.lost - self._next_block)
        self.ended = ended

    def _check_end(self, ended: RecordingEnded) -> None:
        if ended.reason == "complete" or self._stopping:
            return
        if ended.reason == "stopped":
            raise BoardError(
                "another program has stopped the recording", hint="Let one program use the board at a time."
            )
        raise BoardError(f"the board ended the recording: {ended.reason}", hint="Record again.")


def record(link: Link, samples: int) -> tuple[RecordingStarted, NDArray[np.int16]]:
    """Record `samples` samples; return what the board sent at the start, and the samples.

    Raises BoardError if the board cannot record, or if a block is lost: samples are never joined across a gap.
    """
    lines = BoardLines(link)
    lines.stop_and_drain()
    identify(lines)
    with BoardRecording(lines, samples) as recording:
        pieces = [piece.samples for piece in recording.pieces() if piece is not None]
    check_complete(recording)
    return recording.started, np.concatenate(pieces)


def check_complete(recording: BoardRecording) -> None:
    """Raise BoardError if blocks of a recording are missing."""
    if recording.faults.lost:
        raise BoardError(
            f"{recording.faults.lost:,} blocks of the recording were lost",
            why=str(recording.faults),
            hint="Close programs that need much computing time, use another cable or USB port, and record again.",
        )


def _info(line: str) -> dict[str, Any] | None:
    if not line.startswith('{"eitk":1,"info"'):
        return None
    try:
        data = read_json(line)
    except ValueError:
        return None
    info = data.get("info") if isinstance(data, dict) else None
    return info if isinstance(info, dict) else None
