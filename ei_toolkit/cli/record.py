"""`eitk record`: Record labelled sound with the microphone of a board, and upload it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import numpy as np
import typer
from numpy.typing import NDArray

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.level_meter import LevelMeter
from ei_toolkit.audio.silence_splitter import SilenceSplitter
from ei_toolkit.board.board import Board, BoardContext
from ei_toolkit.board.boards.registry import board_named
from ei_toolkit.board.emulator.microphone import MicStream
from ei_toolkit.board.recording import BoardLines, BoardRecording, Piece, SketchInfo, check_complete, identify
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import BoardOption, PortOption
from ei_toolkit.cli.tail import parse_duration
from ei_toolkit.cli.upload import UploadRun
from ei_toolkit.client.upload.run import Options
from ei_toolkit.config import Config
from ei_toolkit.config.boards import MICROPHONE_RATE_HZ
from ei_toolkit.config.settings import Category
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.manifest import LARGEST_FILE_BYTES
from ei_toolkit.dataset.recorded import RecordedFile, RecordingsFolder
from ei_toolkit.errors import BoardError, UsageError

Samples = NDArray[np.int16]
DEFAULT_SECONDS = 10.0
MOST_SECONDS = LARGEST_FILE_BYTES // (2 * MICROPHONE_RATE_HZ)
TRIES = 3  # of a recording of which blocks are lost
WARNINGS = {  # by the property of the meter
    "is_clipped": "the sound is clipped: lower the volume, or move the board away",
    "is_silent": "the microphone records silence: is the loudspeaker muted?",
}
METER_INTERVAL = 0.1  # seconds of sound between two updates of the meter


def record(
    context: typer.Context,
    label: Annotated[str, typer.Option("--label", "-l", help="Label of the recordings.")],
    seconds: Annotated[
        float,
        typer.Option("--seconds", "-s", min=0.1, help="Length of a recording; with --split-silence the longest one."),
    ] = DEFAULT_SECONDS,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Number of recordings.")] = 1,
    continuous: Annotated[
        bool, typer.Option("--continuous", help="Record one after another without a gap, until Ctrl-C or --for.")
    ] = False,
    duration: Annotated[str | None, typer.Option("--for", help="With --continuous: end after 60s, 5m, 1h.")] = None,
    split_silence: Annotated[
        bool, typer.Option("--split-silence", help="With --continuous: cut at silence in place of --seconds.")
    ] = False,
    silence_dbfs: Annotated[
        float, typer.Option(max=0, help="With --split-silence: level of silence, in dB relative to full scale.")
    ] = -50.0,
    category: Annotated[
        Literal["training", "testing", "split"],
        typer.Option(help="Category of the recordings; split: by content, four of five for training."),
    ] = "split",
    group: Annotated[
        str, typer.Option(help="Name of what the recordings have in common (artist, speaker): never in two splits.")
    ] = "",
    folder: Annotated[Path, typer.Option(help="Folder of the recordings, below the project.")] = Path("recordings"),
    upload: Annotated[bool, typer.Option("--upload/--no-upload", help="Upload the folder when it is recorded.")] = True,
    microphone: Annotated[
        list[Path] | None,
        typer.Option(help="Clips that are played to the microphone of a virtual board, one after another."),
    ] = None,
    board: BoardOption = None,
    port: PortOption = None,
) -> None:
    """Record labelled sound with the microphone of a board, and upload it.

    Each recording is kept as a WAV file with board, firmware, gain, level and time in its metadata. Ctrl-C keeps the
    recordings that are complete. A recording of which blocks are lost on the line is repeated.
    """
    env = Environment.of(context)
    if not label.strip():
        raise UsageError("the label is empty", hint="eitk record --label NAME")
    if seconds > MOST_SECONDS:
        raise UsageError(
            f"a recording of {seconds:g} s is longer than the {MOST_SECONDS} s that a studio accepts",
            hint="Record parts: eitk record --continuous --seconds 60 --for 10h",
        )
    if (duration or split_silence) and not continuous:
        raise UsageError("--for and --split-silence need --continuous", hint="Add --continuous, or use --count.")
    config = env.config(board__name=board, board__port=port)
    target = board_named(config.settings.board.name)
    target.check_port(port)
    played = _played(env, config, target, microphone or [])
    destination = RecordingsFolder(config.paths.root / folder)
    with _session(env, config, target, played) as session:
        session.keep = Kept(env, destination, label, category, group, session.info)
        try:
            if continuous:
                splitter = SilenceSplitter(MICROPHONE_RATE_HZ, silence_dbfs, seconds) if split_silence else None
                limit = parse_duration(duration, "--for") if duration else None
                _record_continuously(session, seconds, limit, splitter)
            else:
                for number in range(1, count + 1):
                    _record_one(session, seconds, f"{number}/{count}")
        except (KeyboardInterrupt, BoardError):
            env.console.note(session.keep.sentence(f"upload them: eitk upload {folder}"))
            raise
    kept = session.keep
    data: dict[str, Any] = {"recordings": kept.files, "folder": str(destination.path)}
    text = kept.sentence("")
    if upload and kept.files:
        sent, sentence = _upload(env, config, destination)
        data, text = {**data, "upload": sent}, f"{text}\n{sentence}"
    env.console.result(data, text)


@dataclass
class Kept:
    """Where recordings are stored, and those of this run."""

    env: Environment
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
            self.env.console.warn(f"{name}: {meter.clipped:,} samples are clipped; record at a lower volume")
        if meter.is_silent:
            self.env.console.warn(f"{name}: the microphone recorded silence at the end: {meter.level_dbfs:.0f} dBFS")

    def sentence(self, what_to_do: str) -> str:
        """Return the number of recordings, their folder, and what to do with them."""
        end = f"; {what_to_do}" if what_to_do and self.files else ""
        return f"{counted(len(self.files), 'recording')} of {self.label} in {self.folder.path}{end}"


@dataclass
class Session:
    """A board that is open for recordings. `played` is what is played to the microphone of a virtual board next."""

    env: Environment
    lines: BoardLines
    info: SketchInfo
    microphone: MicStream | None
    played: Samples | None
    keep: Kept = field(init=False)

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


def _played(env: Environment, config: Config, target: Board, clips: list[Path]) -> Samples | None:
    """The samples of the clips that are played to a virtual microphone; None for a real one."""
    if target.spec.virtual != bool(clips):
        raise UsageError(
            f"the {target.name} board has a {'virtual' if target.spec.virtual else 'real'} microphone",
            hint="Name the clips that are played to it: --microphone FILE"
            if target.spec.virtual
            else "Omit --microphone.",
        )
    reading = config.settings.slice.reading
    files = [read_clip(env.cwd / clip, MICROPHONE_RATE_HZ, reading=reading, warn=env.console.warn) for clip in clips]
    return np.concatenate(files) if files else None


@contextmanager
def _session(env: Environment, config: Config, target: Board, played: Samples | None) -> Iterator[Session]:
    link = target.source(BoardContext(config.settings, config.paths, env.environ)).first()
    try:
        lines = BoardLines(link)
        lines.stop_and_drain()
        info = identify(lines)
        yield Session(env, lines, info, target.microphone(config.paths.boards), played)
    finally:
        link.close()


def _record_one(session: Session, seconds: float, of: str) -> None:
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
        session.env.console.warn(f"recording {of}, attempt {attempt} of {TRIES}: {recording.faults}")
        if session.played is not None:
            break  # the clips go on
    check_complete(recording)


def _record_continuously(
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
        session.env.console.warn(f"{recording.faults}; the parts with lost blocks were left out")


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
    console, warned, shown = session.env.console, set[str](), 0.0
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


def _upload(env: Environment, config: Config, folder: RecordingsFolder) -> tuple[dict[str, Any], str]:
    # The decoder takes a third of a second to import, which a recording should not wait for.
    from ei_toolkit.cli.upload_folder import send_folder
    from ei_toolkit.dataset.conversion import ConversionSettings

    cut = config.settings.slice
    # A layout with one split only is not used, so the one category of all recordings is named here.
    category = cast("Category", next(iter(folder.categories))) if len(folder.categories) == 1 else "auto"
    run = UploadRun(env, config, Options(), None, None, False)
    return send_folder(run, folder.path, "", ConversionSettings(cut.sample_rate, cut.reading, category=category), None)
