"""`eitk rerecord`: Play the clips of a data set, and record them with a board."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.board.board import BoardContext
from ei_toolkit.board.boards.registry import board_named
from ei_toolkit.board.loudspeaker import SoundPath, sound_path
from ei_toolkit.board.recording import BoardLines, SketchInfo, identify
from ei_toolkit.board.rerecording import Rerecorded, rerecord
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import BoardOption, PortOption
from ei_toolkit.cli.outcomes import warn_of_some
from ei_toolkit.compute import cores
from ei_toolkit.config import Config
from ei_toolkit.config.boards import MICROPHONE_RATE_HZ
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.cutting import Task
from ei_toolkit.dataset.listing import ORIGINAL, ORIGINAL_SHA256
from ei_toolkit.dataset.plan import plan_slices
from ei_toolkit.dataset.recorded import RecordedFile, RecordingsFolder
from ei_toolkit.errors import BoardError, DataError, RefusedRecordingError, UsageError

SILENT_IN_A_ROW = 3  # after which the loudspeaker is taken for muted
ORIGINALS = "originals"  # folder of the clips that were played
MOST_TAKES = 99


def rerecord_(
    context: typer.Context,
    dataset: Annotated[Path | None, typer.Argument(help="Folder or zip of clips; default: the project's.")] = None,
    folder: Annotated[Path, typer.Option(help="Folder of the recordings, below the project.")] = Path("rerecorded"),
    with_originals: Annotated[
        bool, typer.Option("--with-originals", help="Also copy each clip into the folder, in the same split.")
    ] = False,
    takes: Annotated[
        int, typer.Option(min=1, max=MOST_TAKES, help="Recordings of each clip. Move the board before the next take.")
    ] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Number of recordings that are made in this run.")] = None,
    room: Annotated[
        int | None,
        typer.Option(min=0, help="For a virtual board: number of a simulated loudspeaker and room, of the first take."),
    ] = None,
    drift_ppm: Annotated[
        float, typer.Option(min=-300, max=300, help="For a virtual board: drift of the simulated loudspeaker's clock.")
    ] = 0.0,
    board: BoardOption = None,
    port: PortOption = None,
) -> None:
    """Play the clips of a data set, and record them with a board.

    Each recording is aligned with its clip and keeps label, artist and split. Silent and clipped recordings, and those
    of another sound, are refused. A run that was interrupted continues, and --takes 2 adds a second recording of each
    clip to the first one. The result is a folder for [dataset] root.
    """
    env = Environment.of(context)
    root = str((env.cwd / dataset).resolve()) if dataset else None
    config = env.config(board__name=board, board__port=port, dataset__root=root)
    target = board_named(config.settings.board.name)
    target.check_port(port)
    if not target.spec.virtual and (room is not None or drift_ppm):
        raise UsageError(
            f"the {target.name} board has a real microphone",
            hint="Omit --room and --drift-ppm, or use a virtual board.",
        )
    plan = plan_slices(config.settings, config.paths.root, cores())
    warn_of_some(env, [f"skipped {one.clip}: {one.reason}" for one in plan.skipped])
    out = RecordingsFolder(config.paths.root / folder)
    link = target.source(BoardContext(config.settings, config.paths, env.environ)).first()
    lines = BoardLines(link)
    try:
        lines.stop_and_drain()
        info = identify(lines)
        microphone = target.microphone(config.paths.boards)
        rooms = [None if room is None else room + before for before in range(takes)]
        paths = tuple(sound_path(microphone, env.environ, own, drift_ppm) for own in rooms)
        run = _Run(env, config, lines, info, paths, out, with_originals)
        run.record_all(plan.tasks, limit)
    finally:
        with suppress(BoardError):  # of a board that was unplugged
            lines.command("r")
        link.close()
    env.console.result(run.data(), run.sentence())
    env.console.note(
        f'to train with them: [dataset] root = "{folder}", labels_from = "json", split_from = "csv", group_from = "csv"'
    )
    if run.refused:
        first = run.refused[0]
        raise BoardError(
            f"{counted(len(run.refused), 'recording')} could not be made", why=f"{first['clip']}: {first['reason']}",
            hint="Correct the volume and the place of the board, and run the command again: it records these only.",
        )  # fmt: skip


@dataclass(frozen=True)
class _Take:
    """One recording that is wanted: the clip, the name of the file, and its number among those of the clip, from 1."""

    task: Task
    name: str
    number: int


@dataclass
class _Run:
    """One invocation, and what it has done. `paths` are the ways of the sound to the microphone, one for each take."""

    env: Environment
    config: Config
    lines: BoardLines
    info: SketchInfo
    paths: Sequence[SoundPath]
    out: RecordingsFolder
    with_originals: bool
    recorded: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    present: int = 0

    def record_all(self, tasks: Sequence[Task], limit: int | None) -> None:
        """Make every recording that the folder lacks, at most `limit`. Raises BoardError if several are silent."""
        names = _names([task.known.clip.name for task in tasks])
        wanted = [
            _Take(task, _take_name(names[task.known.clip.name], number), number)
            for number in range(1, len(self.paths) + 1)
            for task in tasks
        ]
        missing = [take for take in wanted if not self._is_present(take)]
        self.present, silent = len(wanted) - len(missing), 0
        todo = missing[:limit] if limit else missing
        for task in tasks if self.with_originals else ():
            self._keep_original(task, names[task.known.clip.name])
        seconds = sum(take.task.seconds for take in todo)
        with self.env.console.progress("recording clips, seconds", seconds) as progress:
            done = 0.0
            for take in todo:
                progress.to(round(done, 1), take.name)
                silent = silent + 1 if self._record(take) else 0
                done += take.task.seconds
                if silent == SILENT_IN_A_ROW:
                    raise BoardError(
                        f"{silent} recordings one after another are silent",
                        why="nothing that is played reaches the microphone",
                        hint="Is the loudspeaker muted? Run the same command again: it continues.",
                    )

    def _is_present(self, take: _Take) -> bool:
        return self.out.metadata_of(take.name).get(ORIGINAL_SHA256) == take.task.known.sha256

    def _record(self, take: _Take) -> bool:
        """Make one recording; return whether it was refused because it is silent."""
        task, path = take.task, self.paths[take.number - 1]
        clip = task.known.clip
        try:
            original = self._read(task, MICROPHONE_RATE_HZ)
            played = original if path.rate == MICROPHONE_RATE_HZ else self._read(task, path.rate)
            made = rerecord(self.lines, path, original, played)
        except (RefusedRecordingError, DataError) as error:
            self.refused.append({"clip": clip.name, "reason": str(error)})
            self.env.console.warn(f"{clip.name}: {error}")
            return isinstance(error, RefusedRecordingError) and error.silent
        self._keep(task, take.name, made.samples, self._metadata(take, made))
        self.recorded.append({"clip": clip.name, "file": take.name, "label": clip.label, "split": task.split})
        return False

    def _keep_original(self, task: Task, name: str) -> None:
        copy, sha256 = f"{ORIGINALS}/{name}", task.known.sha256
        if self.out.metadata_of(copy).get(ORIGINAL_SHA256) != sha256:
            self._keep(task, copy, self._read(task, MICROPHONE_RATE_HZ), {ORIGINAL_SHA256: sha256})

    def _read(self, task: Task, rate: int) -> NDArray[np.int16]:
        reading = self.config.settings.slice.reading
        return read_clip(task.known.clip.path, rate, reading=reading, warn=self.env.console.detail)

    def _keep(self, task: Task, name: str, samples: NDArray[np.int16], metadata: dict[str, str]) -> None:
        file = RecordedFile(name, task.known.clip.label, task.split, {"group": task.known.group, **metadata})
        self.out.add(file, samples, MICROPHONE_RATE_HZ)

    def _metadata(self, take: _Take, made: Rerecorded) -> dict[str, str]:
        known = take.task.known
        return {
            ORIGINAL: known.clip.name, ORIGINAL_SHA256: known.sha256, "take": str(take.number),
            "board": self.info.board, "firmware": self.info.firmware, "gain": str(made.gain),
            "recorded": datetime.now(UTC).isoformat(timespec="seconds"),
            "delay_ms": f"{made.alignment.offset / MICROPHONE_RATE_HZ * 1000:.3f}",
            "drift_ppm": f"{made.alignment.drift_ppm:.1f}", "agreement": f"{made.alignment.agreement:.2f}",
            "level_dbfs": f"{made.level_dbfs:.1f}", "clipped_samples": str(made.clipped),
        }  # fmt: skip

    def data(self) -> dict[str, Any]:
        """The result as JSON."""
        return {
            "folder": str(self.out.path), "recorded": self.recorded, "refused": self.refused, "present": self.present,
        }  # fmt: skip

    def sentence(self) -> str:
        """The result for people."""
        return (
            f"{counted(len(self.recorded), 'recording')} made, {self.present} were there before, {len(self.refused)}"
            f" refused; in {self.out.path}"
        )


def _names(clips: Sequence[str]) -> dict[str, str]:
    """The name of the recording of each clip: that of the clip with the suffix .wav, and different for each."""
    taken: set[str] = set()
    names: dict[str, str] = {}
    for clip in clips:
        name = str(PurePosixPath(clip).with_suffix(".wav"))
        names[clip] = name if name not in taken else f"{clip}.wav"
        taken.add(names[clip])
    return names


def _take_name(name: str, number: int) -> str:
    """The name of one of the recordings of a clip: that of the first take is `name`."""
    return name if number == 1 else f"take-{number}/{name}"
