"""Boards in Python: find, flash, play clips, read predictions, and compare scores with those of the Python model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ei_toolkit.api.progress import OnProgress, Progress, ignore_progress
from ei_toolkit.api.project import Project
from ei_toolkit.api.results import Result
from ei_toolkit.audio.decode import read_clip
from ei_toolkit.board.board import BoardContext, FlashedBoard, FoundBoard
from ei_toolkit.board.boards import registry
from ei_toolkit.board.flash.deployment import FlashRequest
from ei_toolkit.board.protocol.events import Prediction
from ei_toolkit.board.protocol.parser import Parser
from ei_toolkit.board.transport.ports import usb_ports
from ei_toolkit.board.transport.watch import follow, until
from ei_toolkit.board.verify.streamed import VerifiedClip, VerifiedWindow
from ei_toolkit.board.verify.verify import verify_clips
from ei_toolkit.evaluation.run_log import record_run
from ei_toolkit.report.board_tables import verification_json
from ei_toolkit.report.tables import Cell


@dataclass(frozen=True)
class Boards(Result):
    """The boards on USB and the virtual boards that run."""

    boards: tuple[FoundBoard, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return each board with its name, port and state."""
        return {"boards": [board.as_json() for board in self.boards]}

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each board: its name, port and state, and the hash of its model if it is known."""
        return [
            {"board": one.board, "port": one.port, "state": one.state, "model_sha256": one.model_sha256}
            for one in self.boards
        ]


@dataclass(frozen=True)
class Flashed(Result):
    """A board that runs a new image; the sizes are in bytes, and the hashes are SHA-256 in hex."""

    board: FlashedBoard

    @property
    def port(self) -> str:
        """The serial port, or the address of a virtual board."""
        return self.board.port

    def to_dict(self) -> dict[str, Any]:
        """Return board, port, sizes in bytes and hashes, as `eitk flash --json` prints them."""
        return self.board.as_json()

    def records(self) -> list[dict[str, Cell]]:
        """Return one row with board, port, and sizes in bytes."""
        image = self.board.image
        sizes: dict[str, Cell] = {"flash_bytes": image.flash_bytes, "ram_bytes": image.ram_bytes}
        return [{"board": self.board.board, "port": self.port, **sizes}]


@dataclass(frozen=True)
class Verification(Result):
    """The scores of a board beside those of the int8 model in Python, for each window of some clips."""

    board: str
    clips: tuple[VerifiedClip, ...]
    threshold: float

    @property
    def windows(self) -> tuple[VerifiedWindow, ...]:
        """All windows, in the order of the clips and of time; times are in milliseconds, scores from 0 to 1."""
        return tuple(window for clip in self.clips for window in clip.windows)

    @property
    def is_equal(self) -> bool:
        """Whether all int8 scores of the board equal those of Python."""
        return all(window.equal for window in self.windows)

    def to_dict(self) -> dict[str, Any]:
        """Return a summary, the clips and the windows, as `eitk verify --json` prints them."""
        return verification_json(self.board, self.clips, self.threshold)

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each window: its clip, its end in milliseconds, its label and its prediction."""
        return [
            {
                "clip": one.clip, "end_ms": one.end_ms, "label": one.label, "predicted": one.winner,
                "score": max(one.board_scores.values()), "equal": one.equal,
            }
            for one in self.windows
        ]  # fmt: skip


def find_boards(project: Project) -> Boards:
    """Find the boards on USB, and the virtual boards of a project that run.

    Args:
        project: The project, which has a folder for its virtual boards.

    Returns:
        The boards; none is not an error.

    Raises:
        BoardError: The serial ports cannot be listed.
    """
    return Boards(tuple(registry.find_boards(project.config.paths.boards, usb_ports())))


def flash(
    project: Project,
    *,
    library: Path | str | None = None,
    image: Path | str | None = None,
    force: bool = False,
    on_progress: OnProgress = ignore_progress,
) -> Flashed:
    """Compile the pinned library with the sketch and flash the board of the project; start it if it is a virtual one.

    Args:
        project: A project with a library in eitk.lock; `[board]` has the name and the port of the board.
        library: Library to compile instead.
        image: Compiled image to write instead: a .bin, or a firmware zip of Edge Impulse.
        force: Whether the board is flashed although a check fails: another model, or too slow.
        on_progress: Called with the number of bytes that are written.

    Returns:
        The board, its port and the sizes of its image in bytes.

    Raises:
        MissingStepError: No library is pinned.
        MissingToolError: A compiler or an emulator is not installed.
        BoardError: There is no such board, it is busy, or the image does not fit.
        DataError: The library or the image is damaged, or is not the one in eitk.lock.
    """
    written = 0

    def advance(count: int) -> None:
        nonlocal written
        written += count
        on_progress(Progress("writing", written))

    request = FlashRequest(_path(library), _path(image), force)
    context = _context(project, on_progress)
    done = registry.board_named(project.settings.board.name).flash(replace(context, advance=advance), request)
    record_run(project.config, "flash", done.as_json())
    return Flashed(done)


def stop_board(project: Project) -> bool:
    """Stop the virtual board of a project.

    Args:
        project: The project; `[board]` has the name of the board.

    Returns:
        Whether it was running.

    Raises:
        BoardError: The board does not run on this machine.
    """
    return registry.virtual_board_named(project.settings.board.name).stop(project.config.paths.boards)


def play(project: Project, clips: Sequence[Path | str], on_progress: OnProgress = ignore_progress) -> float:
    """Stream clips to the microphone of the virtual board of a project.

    Args:
        project: The project, whose board runs.
        clips: Sound files of any format.
        on_progress: Called with the number of samples of a clip that the board has processed.

    Returns:
        The length in seconds of what the board has processed.

    Raises:
        BoardError: The board is not running, or does not run on this machine.
        DataError: A clip cannot be read.
    """
    microphone = registry.virtual_board_named(project.settings.board.name).microphone(project.config.paths.boards)
    cut, seconds = project.settings.slice, 0.0
    for clip in clips:
        file = Path(clip).expanduser()
        samples = read_clip(file, cut.sample_rate, reading=cut.reading)
        done = 0

        def advance(count: float, total: int = len(samples), name: str = file.name) -> None:
            nonlocal done
            done += int(count)
            on_progress(Progress("playing", done, total, name))

        seconds += microphone.stream_pcm(samples, advance) / cut.sample_rate
    return seconds


def predictions(
    project: Project, count: int | None = None, *, seconds: float | None = None, timeout_s: float | None = 60.0
) -> Iterator[Prediction]:
    """Yield the predictions of the board of a project as they arrive.

    Args:
        project: The project, whose board runs.
        count: End after so many predictions; None does not end.
        seconds: End after this time in seconds.
        timeout_s: Longest time without a prediction in seconds; None waits without end.

    Yields:
        Predictions with the scores by label, from 0 to 1.

    Raises:
        BoardError: There is no such board now, it did not reappear, or no prediction arrived for `timeout_s`.
    """
    board = registry.board_named(project.settings.board.name)
    events = follow(
        board.source(_context(project, ignore_progress)), Parser(project.settings.board.threshold), seconds=seconds
    )
    for event in until(events, count, timeout_s):
        if isinstance(event, Prediction):
            yield event


def verify_board(
    project: Project, clips: Sequence[Path | str], on_progress: OnProgress = ignore_progress
) -> Verification:
    """Send clips to the board of a project and compare its scores with those of the int8 model in Python.

    Args:
        project: The project, whose board runs the pinned model.
        clips: Sound files; the label of each is that of the project, else the name of its folder.
        on_progress: Called with the number of clips that are done.

    Returns:
        The scores of each window on the board and in Python.

    Raises:
        BoardError: The board is not running, runs another model, or predictions are missing.
        DataError: A clip cannot be read or is shorter than a window.
        MissingStepError: No library is pinned.
    """
    done = 0.0

    def advance(count: float) -> None:
        nonlocal done
        done += count
        on_progress(Progress("verifying", done, len(clips)))

    found = verify_clips(_context(project, on_progress), [Path(clip).expanduser() for clip in clips], advance)
    board = project.settings.board
    verification = Verification(board.name, tuple(found), board.threshold)
    record_run(project.config, "verify", verification.to_dict()["summary"])
    return verification


def _context(project: Project, on_progress: OnProgress) -> BoardContext:
    def note(text: str) -> None:
        on_progress(Progress("board", text=text))

    return BoardContext(project.settings, project.config.paths, project.environ, note=note)


def _path(given: Path | str | None) -> Path | None:
    return None if given is None else Path(given).expanduser().resolve()
