"""What every board can do. `boards/` has one class for each board; no other module depends on which board it is."""

from __future__ import annotations

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ei_toolkit.board.emulator.microphone import MicStream
from ei_toolkit.board.flash.deployment import FlashRequest, check_model, check_speed, open_requested, other_impulse
from ei_toolkit.board.flash.image import BinaryImage, BuiltImage, check_fits, open_image
from ei_toolkit.board.flash.library import Library
from ei_toolkit.board.flash.sketch import StagedSketch, stage
from ei_toolkit.board.transport.ports import UsbPort
from ei_toolkit.board.transport.serial_port import Usb
from ei_toolkit.board.transport.watch import Source
from ei_toolkit.config import ProjectPaths, Settings
from ei_toolkit.config.boards import BoardSpec
from ei_toolkit.config.lockfile import read_lock


@dataclass(frozen=True)
class BoardContext:
    """What the operations of a board read: the project, the environment variables and access to USB.

    `note` gets messages about the progress, `advance` the numbers of bytes written to flash.
    """

    settings: Settings
    paths: ProjectPaths
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    usb: Usb = field(default_factory=Usb)
    note: Callable[[str], None] = lambda _: None
    advance: Callable[[int], None] = lambda _: None


@dataclass(frozen=True)
class FoundBoard:
    """A board that is plugged in or running; `details` are what only this kind of board has."""

    board: str
    port: str
    state: str
    serial_number: str = ""
    model_sha256: str = ""
    started: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The board as JSON, for `eitk boards --json`."""
        own = {key: value for key, value in vars(self).items() if key != "details" and value != ""}
        return {**self.details, **own}


@dataclass(frozen=True)
class FlashedBoard:
    """A board that runs a new image. `written_by` is the program that wrote it to flash; empty for a virtual board."""

    board: str
    port: str
    image: BuiltImage
    written_by: str = ""

    def as_json(self) -> dict[str, Any]:
        """The result as JSON, for `eitk flash --json`; `address` is the earlier name of `port`."""
        written_by = {"how": self.written_by} if self.written_by else {}
        return {**self.image.as_json(), "port": self.port, "address": self.port, **written_by}


@dataclass(frozen=True)
class FlashPlan:
    """Which board would get which model; `port` is empty for a virtual board that is not running."""

    board: str
    port: str
    model_sha256: str
    replaces_running: bool

    def as_json(self) -> dict[str, Any]:
        """The plan as JSON, for `eitk flash --dry-run --json`."""
        return {"dry_run": True, **asdict(self)}

    def view(self) -> str:
        """The plan for people."""
        where = f"{self.board} on {self.port}" if self.port else self.board
        return f"would flash model {self.model_sha256[:12] or 'of an unknown hash'} to {where}"


class Board(ABC):
    """One kind of board: how it is found, built, flashed and opened."""

    spec: BoardSpec

    @property
    def name(self) -> str:
        """The name in `[board] name`."""
        return self.spec.name

    @abstractmethod
    def find(self, boards: Path, ports: Sequence[UsbPort]) -> list[FoundBoard]:
        """Return the boards of this kind; `boards` is the project's folder for them, `ports` are those on USB."""

    @abstractmethod
    def build(self, context: BoardContext, request: FlashRequest) -> BuiltImage:
        """Build the requested library with the sketch; no board is changed.

        Raises BoardError, ConfigurationError, DataError, MissingToolError.
        """

    @abstractmethod
    def flash(self, context: BoardContext, request: FlashRequest) -> FlashedBoard:
        """Build if needed, and start the image on the board. Raises as `build` does, before a board is changed."""

    @abstractmethod
    def source(self, context: BoardContext) -> Source:
        """Return how the serial line is opened. Raises BoardError if there is no such board now."""

    @abstractmethod
    def microphone(self, boards: Path) -> MicStream | None:
        """Return the microphone of the running board; None if it is a real one, which records sound in the room.

        Raises BoardError if the board is not running.
        """

    @abstractmethod
    def stop(self, boards: Path) -> bool:
        """Stop the board; return False if it was not running. Raises BoardError for a board on USB."""

    @abstractmethod
    def check_port(self, port: str | None) -> None:
        """Raise UsageError if the user named a port that this board does not use."""

    @abstractmethod
    def check_request(self, request: FlashRequest) -> None:
        """Raise UsageError for a request that this board does not support."""

    @abstractmethod
    def flash_target(self, context: BoardContext) -> tuple[str, bool]:
        """Return the port that `flash` uses, and whether a sketch runs there now. Raises BoardError without a board."""

    def missing_tools(self) -> list[str]:
        """Return the names of the programs that `build` needs and that are not installed."""
        return []

    def plan(self, context: BoardContext, request: FlashRequest) -> FlashPlan:
        """Check what `flash` checks before it changes a board. Raises what it raises."""
        self.check_request(request)
        if request.image is not None:
            model = self.open_image(context, request.image, force=request.force).model_sha256
        else:
            with tempfile.TemporaryDirectory(prefix="eitk-flash-") as folder:
                model = self.prepare(context, request, Path(folder))[0].model_sha256
        port, running = self.flash_target(context)
        return FlashPlan(self.name, port, model, running)

    def open_image(self, context: BoardContext, file: Path, *, force: bool) -> BinaryImage:
        """Return the checked image in `file`. Raises BoardError, DataError."""
        image = open_image(file)
        check_fits(len(image.data), self.spec.flash_bytes)
        lock = read_lock(context.paths.lock)
        if lock and not force:
            check_model(image.model_sha256, lock)
        return image

    def prepare(self, context: BoardContext, request: FlashRequest, folder: Path) -> tuple[Library, StagedSketch]:
        """Return the checked library and the sketch, both in `folder`, ready to be compiled."""
        library = open_requested(context.paths, folder, request)
        if request.library is None and (difference := other_impulse(context.settings, library)):
            context.note(
                f"the pinned library was built with another impulse than that of eitk.toml ({difference}): the board"
                " classifies with the library's; to change it: eitk impulse apply, then eitk train --eon"
            )
        check_speed(context.settings, context.paths, self.spec, request)
        return library, stage(context.settings, library, self.spec, folder)
