"""From a pinned library to a running board, on this machine."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ei_toolkit.board.budget import check_budget
from ei_toolkit.board.emulator import image as images
from ei_toolkit.board.emulator.image import Image
from ei_toolkit.board.emulator.virtual_boards import (
    VIRTUAL_BOARDS,
    BoardFolder,
    BoardState,
    check_name,
    folder_of,
    start,
)
from ei_toolkit.board.flash.firmware_zip import open_image
from ei_toolkit.board.flash.library import Library, file_sha256, open_library
from ei_toolkit.board.flash.sketch import stage
from ei_toolkit.board.flash.usb import check_fits
from ei_toolkit.board.transport.ports import Lister, choose
from ei_toolkit.config import ProjectPaths, Settings
from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.config.lockfile import Lock, read_lock
from ei_toolkit.errors import BoardError, ConfigurationError, DataError


@dataclass(frozen=True)
class Flashed:
    """A board that runs a new image."""

    board: str
    image: Image
    state: BoardState


def pinned(paths: ProjectPaths) -> Lock:
    """The deployment in eitk.lock. Raises ConfigurationError where there is none."""
    lock = read_lock(paths.lock)
    if lock is None:
        raise ConfigurationError("there is no library yet", why=f"{paths.lock.name} is not there", hint="eitk build")
    return lock


@dataclass(frozen=True)
class Choice:
    """What to flash: the pinned library or the one in `library`; `force` overrides the refusals."""

    library: Path | None = None
    force: bool = False


def flash_virtual_board(
    settings: Settings, paths: ProjectPaths, name: str, choice: Choice, say: Callable[[str], None]
) -> Flashed:
    """Build the library with the sketch and start the board `name` with it.

    A board of this name that runs goes on until the new image is built, and is then replaced.
    Raises BoardError, ConfigurationError, DataError, MissingToolError; the running board is untouched by any of them
    that comes before the start.
    """
    with _flashing(paths, name) as folder:
        image = _build(settings, paths, name, folder.build, choice, say)
        say(f"starting the {name} board")
        return Flashed(name, image, start(paths.boards, name, image))


def build_only(settings: Settings, paths: ProjectPaths, name: str, choice: Choice, say: Callable[[str], None]) -> Image:
    """Build the image of a stand-in board and start nothing. Raises as flash_virtual_board does."""
    with _flashing(paths, name) as folder:
        return _build(settings, paths, name, folder.build, choice, say)


@contextmanager
def _flashing(paths: ProjectPaths, name: str) -> Iterator[BoardFolder]:
    """The board's folder, for one flash at a time."""
    folder = folder_of(paths.boards, name)
    folder.path.mkdir(parents=True, exist_ok=True)
    try:
        with acquire_lock(folder.path / "flash.lock"):
            yield folder
    except BlockingIOError:
        raise BoardError(
            f"the {name} board is being flashed already", hint="Wait for the other eitk flash to end."
        ) from None


def _build(
    settings: Settings, paths: ProjectPaths, name: str, folder: Path, choice: Choice, say: Callable[[str], None]
) -> Image:
    if name != "host":
        check_speed(settings, paths, choice)
    library = open_pinned(paths, folder, choice)
    sketch = stage(settings, library, name, folder)
    say(f"compiling {library.header.removesuffix('_inferencing.h')} for the {name} board")
    return images.build(library, sketch, name, folder / "objects")


def open_pinned(paths: ProjectPaths, folder: Path, choice: Choice) -> Library:
    """The chosen library, unpacked in `folder`.

    Raises DataError if it or its model is not what eitk.lock names,
    BoardError for one that needs what no board here has.
    """
    lock = pinned(paths) if choice.library is None else read_lock(paths.lock)
    source = choice.library or _pinned_zip(paths)
    unpacked = folder / "library"
    shutil.rmtree(unpacked, ignore_errors=True)
    library = open_library(source, unpacked)
    if library.lacks_interpreter:
        raise BoardError(
            'the library was built with engine = "tflite"',
            why="it needs TensorFlow Lite Micro, which it does not carry for the boards here",
            hint='Set [build] engine = "tflite-eon" in eitk.toml, then: eitk build',
        )
    if lock and not choice.force:
        check_model(library.model_sha256, lock)
    return library


def check_speed(settings: Settings, paths: ProjectPaths, choice: Choice) -> None:
    """Raises BoardError if the pinned model would not keep up with the hop on a board of 64 MHz."""
    lock = read_lock(paths.lock)
    if lock is not None and choice.library is None and not choice.force:
        check_budget(settings, lock.model_path(paths.root).read_bytes())


def _pinned_zip(paths: ProjectPaths) -> Path:
    lock = pinned(paths)
    source = lock.zip_path(paths.root)
    if file_sha256(source) != lock.zip_sha256:
        raise DataError(f"{source.name} is not the library in eitk.lock", why="its hash differs", hint="eitk build")
    return source


def check_model(model_sha256: str, lock: Lock) -> None:
    """Raises DataError for a library whose model is not the one in eitk.lock."""
    if model_sha256 and model_sha256 != lock.model_sha256:
        raise DataError(
            "the library's model is not the one in eitk.lock",
            why=f"{model_sha256[:12]} against {lock.model_sha256[:12]}",
            hint="eitk build, or --force to flash it all the same",
        )


@dataclass(frozen=True)
class FlashPlan:
    """Which board would get which model; `port` is empty for a stand-in that does not run yet."""

    board: str
    port: str
    model_sha256: str
    replaces_running: bool

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {"dry_run": True, **asdict(self)}

    def view(self) -> str:
        """For people."""
        where = f"{self.board} on {self.port}" if self.port else self.board
        return f"would flash model {self.model_sha256[:12] or 'of an unknown hash'} to {where}"


def plan_flash(settings: Settings, paths: ProjectPaths, choice: Choice, image: Path | None, ports: Lister) -> FlashPlan:
    """Check everything that `eitk flash` checks before it touches a board. Raises what it raises."""
    name = settings.board.name
    check_name(name)
    model = _image_model(paths, image, choice) if image else _library_model(settings, paths, choice)
    if name in VIRTUAL_BOARDS:
        running = folder_of(paths.boards, name).running()
        return FlashPlan(name, running.address if running else "", model, running is not None)
    return FlashPlan(name, choose(ports(), settings.board.port).device, model, True)


def _image_model(paths: ProjectPaths, image: Path, choice: Choice) -> str:
    ready = open_image(image)
    check_fits(len(ready.data))
    lock = read_lock(paths.lock)
    if lock and not choice.force:
        check_model(ready.model_sha256, lock)
    return ready.model_sha256


def _library_model(settings: Settings, paths: ProjectPaths, choice: Choice) -> str:
    with tempfile.TemporaryDirectory(prefix="eitk-flash-") as folder:
        library = open_pinned(paths, Path(folder), choice)
        if settings.board.name != "host":
            check_speed(settings, paths, choice)
        stage(settings, library, settings.board.name, Path(folder))
    return library.model_sha256
