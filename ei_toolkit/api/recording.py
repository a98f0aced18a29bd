"""Record with the microphone of a board in Python: labelled files with metadata in a folder of the project."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.api.progress import OnProgress, Progress, ignore_progress
from ei_toolkit.api.project import Project
from ei_toolkit.api.results import Result
from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.level_meter import LevelMeter
from ei_toolkit.audio.silence_splitter import SilenceSplitter
from ei_toolkit.board.board import BoardContext
from ei_toolkit.board.boards.registry import board_named
from ei_toolkit.board.emulator.microphone import MicStream
from ei_toolkit.board.recording import BoardLines, BoardRecording, Piece, SketchInfo, check_complete, identify
from ei_toolkit.config import Config
from ei_toolkit.config.boards import MICROPHONE_RATE_HZ
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.manifest import LARGEST_FILE_BYTES
from ei_toolkit.dataset.recorded import RecordedFile, RecordingsFolder
from ei_toolkit.errors import UsageError
from ei_toolkit.report.tables import Cell

Samples = NDArray[np.int16]
RecordingCategory = Literal["training", "testing", "split"]
DEFAULT_SECONDS = 10.0
MOST_SECONDS = LARGEST_FILE_BYTES // (2 * MICROPHONE_RATE_HZ)
TRIES = 3  # of a recording of which blocks are lost
SILENCE_DBFS = -50.0
WARNINGS = {  # by the property of the meter
    "is_clipped": "the sound is clipped: lower the volume, or move the board away",
    "is_silent": "the microphone records silence: is the loudspeaker muted?",
}
METER_INTERVAL = 0.1  # seconds of sound between two updates of the meter


class Counter(Protocol):
    """Shows what is done."""

    def to(self, done: float, note: str = "") -> None:
        """Set what is done, with a text beside it."""


class Observer(Protocol):
    """Is informed while the board records: the console of a command, or the callback of a program."""

    def warn(self, text: str) -> None:
        """Take a warning."""

    def progress(self, title: str, total: float | None = None) -> AbstractContextManager[Counter]:
        """Show a recording of `total` seconds that begins."""


@dataclass(frozen=True)
class Recordings(Result):
    """Recordings of a board: WAV files in `folder`, with `warnings` of clipping, silence and lost blocks.

    Each of `files` has its name, label, board, firmware, gain, time, length in seconds, level in dB relative to full
    scale, and the number of clipped samples.
    """

    folder: Path
    files: tuple[Mapping[str, str], ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the folder, the files and the warnings."""
        return {"folder": str(self.folder), "recordings": [dict(one) for one in self.files]} | {
            "warnings": list(self.warnings)
        }

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each file: its name, label, length in seconds, level in dB, and clipped samples."""
        names = ("file", "label", "seconds", "level_dbfs", "clipped_samples")
        return [{name: one[name] for name in names} for one in self.files]


def record(
    project: Project,
    label: str,
    seconds: float = DEFAULT_SECONDS,
    *,
    count: int = 1,
    continuous_s: float | None = None,
    silence_dbfs: float | None = None,
    category: RecordingCategory = "split",
    group: str = "",
    folder: Path | str = "recordings",
    microphone: Sequence[Path | str] = (),
    on_progress: OnProgress = ignore_progress,
) -> Recordings:
    """Record labelled sound with the microphone of the board; `StudioClient.upload_folder` uploads the folder then.

    A recording of which blocks are lost on the line is repeated. What is complete before an error stays in the folder.

    Args:
        project: The project; `[board]` has the name and the port of the board, which runs the sketch.
        label: Label of the recordings.
        seconds: Length of each recording in seconds; with `silence_dbfs` the longest one.
        count: Number of recordings.
        continuous_s: Record for this time in seconds without gaps instead, and cut it into parts of `seconds`.
        silence_dbfs: With `continuous_s`: cut at silence of this level, in dB relative to full scale.
        category: Category of the recordings; `split` is by content, four of five for training.
        group: Name of what the recordings have in common (artist, speaker): never in two splits.
        folder: Folder of the recordings, below that of the project.
        microphone: Clips that are played to the microphone of a virtual board, one after another.
        on_progress: Called with the recorded time in seconds and the level, and with each warning as its text.

    Returns:
        The files.

    Raises:
        UsageError: The label is empty, a recording is too long, or the clips for the virtual microphone are missing.
        BoardError: There is no board, or blocks of a recording are always lost.
    """
    check_recording(label, seconds)
    observer = _Callback(on_progress)
    destination = RecordingsFolder(project.folder / folder)
    clips = [Path(clip).expanduser() for clip in microphone]

    def kept(info: SketchInfo) -> Kept:
        return Kept(observer, destination, label, category, group, info)

    with open_session(project.config, project.environ, kept, clips, observer.warn) as session:
        if continuous_s is not None:
            cut = None if silence_dbfs is None else SilenceSplitter(MICROPHONE_RATE_HZ, silence_dbfs, seconds)
            record_continuously(session, seconds, continuous_s, cut)
        else:
            for number in range(1, count + 1):
                record_one(session, seconds, f"{number}/{count}")
    return Recordings(destination.path, tuple(session.keep.files), tuple(observer.warnings))


def check_recording(label: str, seconds: float) -> None:
    """Raise UsageError for an empty label, or a recording that is longer than a studio accepts."""
    if not label.strip():
        raise UsageError("the label is empty", hint="eitk record --label NAME")
    if seconds > MOST_SECONDS:
        raise UsageError(
            f"a recording of {seconds:g} s is longer than the {MOST_SECONDS} s that a studio accepts",
            hint="Record parts: eitk record --continuous --seconds 60 --for 10h",
        )


@dataclass
class _Callback:
    """Passes progress and warnings to a callback."""

    on_progress: OnProgress
    warnings: list[str] = field(default_factory=list)
    now: Progress = field(default_factory=lambda: Progress("recording"))

    def warn(self, text: str) -> None:
        self.warnings.append(text)
        self.on_progress(Progress(self.now.stage, self.now.done, self.now.total, text))

    @contextmanager
    def progress(self, title: str, total: float | None = None) -> Iterator[Counter]:
        self.now = Progress(title, 0, total)
        yield self

    def to(self, done: float, note: str = "") -> None:
        self.now = Progress(self.now.stage, done, self.now.total, note)
        self.on_progress(self.now)


@dataclass
class Kept:
    """Where recordings are stored, and those of this run."""

    observer: Observer
    folder: RecordingsFolder
    label: str
    category: str
    group: str
    info: SketchInfo
    files: list[dict[str, Any]] = field(default_factory=list)

    def add(self, samples: Samples, gain: int, meter: LevelMeter) -> None:
        """Store one recording, and warn of its faults."""
        now = datetime.now(UTC)
        name = self.folder.free_name(self.label, f"{self.label}-{now:%Y%m%dT%H%M%S}.wav")
        metadata = {
            "board": self.info.board, "firmware": self.info.firmware, "sketch": self.info.sketch,
            "model": self.info.model_sha256[:12], "gain": str(gain), "recorded": now.isoformat(timespec="seconds"),
            "seconds": f"{len(samples) / MICROPHONE_RATE_HZ:g}", "level_dbfs": f"{meter.mean_dbfs:.1f}",
            "clipped_samples": str(meter.clipped), **({"group": self.group} if self.group else {}),
        }  # fmt: skip
        self.folder.add(RecordedFile(name, self.label, self.category, metadata), samples, MICROPHONE_RATE_HZ)
        self.files.append({"file": name, "label": self.label, **metadata})
        if meter.is_clipped:
            self.observer.warn(f"{name}: {meter.clipped:,} samples are clipped; record at a lower volume")
        if meter.is_silent:
            self.observer.warn(f"{name}: the microphone recorded silence at the end: {meter.level_dbfs:.0f} dBFS")

    def sentence(self, what_to_do: str) -> str:
        """Return the number of recordings, their folder, and what to do with them."""
        end = f"; {what_to_do}" if what_to_do and self.files else ""
        return f"{counted(len(self.files), 'recording')} of {self.label} in {self.folder.path}{end}"


@dataclass
class Session:
    """A board that is open for recordings. `played` is what is played to the microphone of a virtual board next."""

    lines: BoardLines
    keep: Kept
    microphone: MicStream | None
    played: Samples | None

    @contextmanager
    def playing(self, samples: int) -> Iterator[None]:
        """Play the next samples to the virtual microphone meanwhile; a real one records the room."""
        if self.microphone is None or self.played is None:
            yield
            return
        part, self.played = self.played[:samples], self.played[samples:]
        thread = threading.Thread(target=self.microphone.stream_pcm, args=(part,), kwargs={"restart": False})
        thread.start()
        try:
            yield
        finally:
            thread.join()


@contextmanager
def open_session(
    config: Config,
    environ: Mapping[str, str],
    kept: Callable[[SketchInfo], Kept],
    microphone: Sequence[Path] = (),
    warn: Callable[[str], None] = lambda _text: None,
) -> Iterator[Session]:
    """Open the board of a project for recordings; `kept` makes the store of them when the board is known.

    `microphone` are the clips that are played to a virtual microphone, one after another. Raises UsageError where the
    board has a real one, or where a virtual one has no clips.
    """
    target = board_named(config.settings.board.name)
    played = None
    if target.spec.virtual != bool(microphone):
        raise UsageError(
            f"the {target.name} board has a {'virtual' if target.spec.virtual else 'real'} microphone",
            hint="Name the clips that are played to it: --microphone FILE"
            if target.spec.virtual
            else "Omit --microphone.",
        )
    if microphone:
        reading = config.settings.slice.reading
        played = np.concatenate(
            [read_clip(clip, MICROPHONE_RATE_HZ, reading=reading, warn=warn) for clip in microphone]
        )
    link = target.source(BoardContext(config.settings, config.paths, environ)).first()
    try:
        lines = BoardLines(link)
        lines.stop_and_drain()
        yield Session(lines, kept(identify(lines)), target.microphone(config.paths.boards), played)
    finally:
        link.close()


def record_one(session: Session, seconds: float, of: str) -> None:
    """Record and keep one recording; repeat it if blocks are lost. Raises BoardError if they always are."""
    samples = round(seconds * MICROPHONE_RATE_HZ)
    if session.played is not None and len(session.played) < samples:
        raise UsageError(
            "the clips of --microphone are too short",
            why=f"{len(session.played) / MICROPHONE_RATE_HZ:.2f} s are left for a recording of {seconds:g} s",
        )
    for attempt in range(1, TRIES + 1):
        meter = LevelMeter(MICROPHONE_RATE_HZ)
        with BoardRecording(session.lines, samples) as recording, session.playing(samples):
            pieces = [piece.samples for piece in _metered(session, recording, meter, of, seconds)]
        if not recording.faults.lost:
            session.keep.add(np.concatenate(pieces), recording.started.gain, meter)
            return
        session.keep.observer.warn(f"recording {of}, attempt {attempt} of {TRIES}: {recording.faults}")
        if session.played is not None:
            break  # the clips go on
    check_complete(recording)


def record_continuously(
    session: Session, seconds: float, limit: float | None, splitter: SilenceSplitter | None
) -> None:
    """Keep one part after another until the time is over. A part in which blocks are lost is left out."""
    parts = Parts(session, round(seconds * MICROPHONE_RATE_HZ), splitter)
    limit = len(session.played) / MICROPHONE_RATE_HZ if session.played is not None and limit is None else limit
    samples = 0 if limit is None else round(limit * MICROPHONE_RATE_HZ)
    with BoardRecording(session.lines, samples) as recording, session.playing(samples):
        parts.gain = recording.started.gain
        for piece in _metered(session, recording, LevelMeter(MICROPHONE_RATE_HZ), "continuous", limit):
            parts.add(piece)
    if splitter is not None:
        for stretch in splitter.finish():
            parts.keep(stretch)
    if recording.faults:
        session.keep.observer.warn(f"{recording.faults}; the parts with lost blocks were left out")


@dataclass
class Parts:
    """Cuts a continuous recording, at silence or after `samples`; a gap ends a part, which is then left out."""

    session: Session
    samples: int
    splitter: SilenceSplitter | None
    gain: int = 0
    _next: int = 0
    _pieces: list[Samples] = field(default_factory=list)
    _collected: int = 0

    def add(self, piece: Piece) -> None:
        """Add consecutive samples, and keep the parts that they complete."""
        if piece.first != self._next:
            self._pieces, self._collected = [], 0
            if self.splitter is not None:
                self.splitter.discard()
        self._next = piece.first + len(piece.samples)
        if self.splitter is not None:
            for stretch in self.splitter.add(piece.samples):
                self.keep(stretch)
            return
        self._pieces.append(piece.samples)
        self._collected += len(piece.samples)
        if self._collected >= self.samples:
            joined = np.concatenate(self._pieces)
            self.keep(joined[: self.samples])
            self._pieces, self._collected = [joined[self.samples :]], self._collected - self.samples

    def keep(self, samples: Samples) -> None:
        """Keep one part."""
        meter = LevelMeter(MICROPHONE_RATE_HZ)
        meter.add(samples)
        self.session.keep.add(samples, self.gain, meter)


def _metered(
    session: Session, recording: BoardRecording, meter: LevelMeter, of: str, seconds: float | None
) -> Iterator[Piece]:
    """Yield the pieces of a recording and show their level meanwhile; warn of clipping and silence once."""
    console, warned, shown = session.keep.observer, set[str](), 0.0
    with console.progress(f"recording {of} of {session.keep.label}, seconds", seconds) as progress:
        for piece in recording.pieces():
            if piece is None:
                continue
            meter.add(piece.samples)
            done = meter.samples / MICROPHONE_RATE_HZ
            if done - shown >= METER_INTERVAL:
                progress.to(round(done, 1), meter.bar())
                shown = done
            for state, text in WARNINGS.items():
                if getattr(meter, state) and state not in warned:
                    warned.add(state)
                    console.warn(f"{text} ({meter.level_dbfs:.0f} dBFS)")
            yield piece
