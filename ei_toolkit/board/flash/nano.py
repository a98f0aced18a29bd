"""From a pinned library, or an image that is ready, to a Nano 33 BLE Sense on USB."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ei_toolkit.board.emulator.virtual_boards import USB_BOARD, folder_of
from ei_toolkit.board.flash.arduino_cli import ArduinoCli
from ei_toolkit.board.flash.firmware_zip import ReadyImage, open_image
from ei_toolkit.board.flash.flash import Choice, check_model, check_speed, open_pinned
from ei_toolkit.board.flash.sketch import StagedSketch, stage
from ei_toolkit.board.flash.usb import Usb, Waits, await_application, check_fits, flash_usb
from ei_toolkit.board.transport.ports import UsbPort, choose
from ei_toolkit.config import ProjectPaths, Settings
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.errors import MissingToolError


@dataclass(frozen=True)
class Nano:
    """What flashing a Nano needs to know of this project and this computer."""

    settings: Settings
    paths: ProjectPaths
    environ: Mapping[str, str]
    usb: Usb
    waits: Waits = field(default_factory=Waits)
    own_client: bool = False  # eitk's own client of the bootloader, even where arduino-cli is installed


@dataclass(frozen=True)
class NanoFlashed:
    """A Nano that runs a new image; `how` is arduino-cli or eitk."""

    port: UsbPort
    image: ReadyImage
    how: str


def flash_image(nano: Nano, file: Path, force: bool) -> NanoFlashed:
    """Flash a .bin file or a firmware zip of Edge Impulse. Raises BoardError, DataError."""
    image = open_image(file)
    check_fits(len(image.data))
    lock = read_lock(nano.paths.lock)
    if lock and not force:
        check_model(image.model_sha256, lock)
    return NanoFlashed(flash_usb(image.data, nano.settings.board.port, nano.usb, nano.waits), image, "eitk")


def flash_library(nano: Nano, choice: Choice) -> NanoFlashed:
    """Compile the library with the sketch through arduino-cli and upload it.

    Raises BoardError before anything is compiled where no board is there, or the model cannot keep up.
    """
    board = choose(nano.usb.ports(), nano.settings.board.port)
    built = build(nano, choice)
    check_fits(len(built.image.data))
    if nano.own_client:
        return NanoFlashed(flash_usb(built.image.data, board.device, nano.usb, nano.waits), built.image, "eitk")
    built.cli.upload(built.sketch, built.out, board.device, nano.usb.say)
    return NanoFlashed(await_application(board, nano.usb, nano.waits), built.image, "arduino-cli")


@dataclass(frozen=True)
class Built:
    """A compiled sketch."""

    cli: ArduinoCli
    sketch: StagedSketch
    out: Path
    image: ReadyImage


def build(nano: Nano, choice: Choice) -> Built:
    """Compile; the image stays in the board's folder as `audio_classifier.ino.bin`."""
    cli = ArduinoCli.find(nano.environ)
    if cli is None:
        raise MissingToolError(
            "arduino-cli is not installed",
            why="it compiles the sketch for the Nano 33 BLE",
            hint="https://docs.arduino.cc/arduino-cli/installation; or flash an image that is ready: eitk flash "
            "IMAGE.bin; or try it without a board: eitk flash --board emulated",
        )
    folder = folder_of(nano.paths.boards, USB_BOARD)
    library = open_pinned(nano.paths, folder.build, choice)
    check_speed(nano.settings, nano.paths, choice)
    sketch = stage(nano.settings, library, USB_BOARD, folder.build)
    out = folder.build / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    nano.usb.say(f"compiling {library.header.removesuffix('_inferencing.h')} with arduino-cli")
    compiled = cli.compile(sketch, out, nano.usb.say)
    return Built(cli, sketch, out, open_image(compiled))


def with_progress(nano: Nano, advance: Callable[[int], None]) -> Nano:
    """The same, its written bytes counted."""
    return replace(nano, usb=replace(nano.usb, advance=advance))
