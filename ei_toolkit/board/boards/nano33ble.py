"""The Nano 33 BLE Sense on USB: compiled by arduino-cli, flashed by arduino-cli or by eitk's bootloader client."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ei_toolkit.board.board import Board, BoardContext, FlashedBoard, FoundBoard
from ei_toolkit.board.flash.arduino_cli import ArduinoCli
from ei_toolkit.board.flash.deployment import FlashRequest
from ei_toolkit.board.flash.image import BinaryImage, BuiltImage, check_fits, open_image
from ei_toolkit.board.flash.sketch import StagedSketch
from ei_toolkit.board.flash.usb import UsbFlasher
from ei_toolkit.board.transport.ports import UsbPort, choose
from ei_toolkit.board.transport.watch import Source, usb_source
from ei_toolkit.config.boards import NANO33BLE
from ei_toolkit.errors import BoardError, MissingToolError


@dataclass(frozen=True)
class _Compiled:
    """A compiled sketch: the image is in the folder `out`."""

    cli: ArduinoCli
    sketch: StagedSketch
    out: Path
    image: BinaryImage


class Nano33Ble(Board):
    """Arduino Nano 33 BLE Sense, Rev1 or Rev2."""

    spec = NANO33BLE

    def find(self, boards: Path, ports: Sequence[UsbPort]) -> list[FoundBoard]:
        """Return the boards that are plugged in."""
        return [
            FoundBoard(port.board, port.device, port.state, port.serial_number, details=asdict(port))
            for port in ports
            if port.board == self.name
        ]

    def build(self, context: BoardContext, request: FlashRequest) -> BuiltImage:
        """Compile through arduino-cli; the image stays in the board's folder as `audio_classifier.ino.bin`."""
        compiled = self._compile(context, request)
        return self._built(compiled.image, compiled.out / compiled.image.name)

    def flash(self, context: BoardContext, request: FlashRequest) -> FlashedBoard:
        """Upload the requested image, or compile the library and upload it.

        Raises BoardError before anything is compiled if no board is plugged in, or the model is too slow.
        """
        flasher = UsbFlasher(self.spec, context.usb, context.note, context.advance)
        requested = context.settings.board.port
        if request.image is not None:
            image = self.open_image(context, request.image, force=request.force)
            port = flasher.flash(image.data, requested)
            return FlashedBoard(self.name, port.device, self._built(image, request.image), "eitk")
        board = choose(context.usb.ports(), requested, self.spec)
        compiled = self._compile(context, request)
        check_fits(len(compiled.image.data), self.spec.flash_bytes)
        built = self._built(compiled.image, compiled.out / compiled.image.name)
        if not request.use_arduino_cli:
            return FlashedBoard(self.name, flasher.flash(compiled.image.data, board.device).device, built, "eitk")
        compiled.cli.upload(compiled.sketch, self.spec.arduino_profile, compiled.out, board.device, context.note)
        return FlashedBoard(self.name, flasher.await_application(board).device, built, "arduino-cli")

    def source(self, context: BoardContext) -> Source:
        """Return how the serial port of the board is opened."""
        board = choose(context.usb.ports(), context.settings.board.port, self.spec)
        return usb_source(board, context.usb.ports)

    def microphone(self, boards: Path) -> None:
        """Return None: the board has a real microphone."""

    def stop(self, boards: Path) -> bool:
        """Raise BoardError: the board is not a process of this machine."""
        raise BoardError(f"{self.name} does not run on this machine", hint="Unplug it.")

    def check_port(self, port: str | None) -> None:
        """Accept every port; `choose` checks it when it is used."""

    def check_request(self, request: FlashRequest) -> None:
        """Accept libraries and ready images."""

    def flash_target(self, context: BoardContext) -> tuple[str, bool]:
        """Return the port of the board."""
        return choose(context.usb.ports(), context.settings.board.port, self.spec).device, True

    def _compile(self, context: BoardContext, request: FlashRequest) -> _Compiled:
        cli = ArduinoCli.find(context.environ)
        if cli is None:
            raise MissingToolError(
                "arduino-cli is not installed",
                why=f"it compiles the sketch for the {self.spec.title}",
                hint="https://docs.arduino.cc/arduino-cli/installation; or flash an image that is ready: eitk flash "
                "IMAGE.bin; or use a virtual board: eitk flash --board emulated",
            )
        folder = context.paths.boards / self.name / "build"
        library, sketch = self.prepare(context, request, folder)
        out = folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        context.note(f"compiling {library.name} with arduino-cli")
        compiled = cli.compile(sketch, self.spec.arduino_profile, out, context.note)
        return _Compiled(cli, sketch, out, open_image(compiled))

    def _built(self, image: BinaryImage, path: Path) -> BuiltImage:
        return BuiltImage(self.name, path, len(image.data), None, image.model_sha256, image.sha256)
