"""Put an image on a board over USB: start the bootloader, write, and wait until the sketch runs.

Every wait has a limit and reports what it waits for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Set
from dataclasses import dataclass, field

from ei_toolkit.board.flash.bootloader import ProtocolError, StepTimeouts, write_image
from ei_toolkit.board.flash.image import check_fits
from ei_toolkit.board.transport.link import Link, LinkLost
from ei_toolkit.board.transport.ports import PortState, UsbPort, choose
from ei_toolkit.board.transport.serial_port import PortBusy, PortDenied, UnusablePort, Usb, explain
from ei_toolkit.config.boards import BoardSpec
from ei_toolkit.errors import BoardError

ATTEMPTS = 3
POLL_INTERVAL_S = 0.05
REMINDER_INTERVAL_S = 5.0


@dataclass(frozen=True)
class UsbTimeouts:
    """How long each change of the board may take, in seconds."""

    bootloader: float = 8.0
    double_tap: float = 30.0
    application: float = 10.0
    steps: StepTimeouts = field(default_factory=StepTimeouts)


@dataclass(frozen=True)
class UsbFlasher:
    """Flashes boards of the kind `spec`; `note` gets messages, `advance` the numbers of bytes written."""

    spec: BoardSpec
    usb: Usb
    note: Callable[[str], None]
    advance: Callable[[int], None] = lambda _: None
    timeouts: UsbTimeouts = field(default_factory=UsbTimeouts)

    def flash(self, image: bytes, requested: str) -> UsbPort:
        """Flash `image` to the board on the port `requested` ("auto": the only one) and return its new port.

        Raises BoardError; the board can be flashed again after every error.
        """
        check_fits(len(image), self.spec.flash_bytes)
        board = choose(self.usb.ports(), requested, self.spec)
        failure: Exception = ProtocolError("")
        for attempt in range(1, ATTEMPTS + 1):
            port = self._start_bootloader(board)
            self.note(f"writing {len(image):,} bytes to {port.device}")
            others = self._running()  # before the write: the sketch may start before the ports are listed again
            try:
                self._write(port, image)
            except (LinkLost, ProtocolError) as error:
                failure = error
                self.note(f"attempt {attempt} of {ATTEMPTS} failed: {error}")
                continue
            return self.await_application(port, others)
        raise BoardError(
            "the board could not be flashed",
            why=str(failure),
            hint="Try another cable or socket. Press reset twice, quickly: the orange light fades in and out, and the "
            "board accepts a new image whatever was written before.",
        )

    def await_application(self, bootloader: UsbPort, others: Set[str] | None = None) -> UsbPort:
        """Return the port of the board when its sketch runs; `others` are ports of other boards, by default all now.

        Raises BoardError if it does not reappear.
        """
        self.note("waiting for the sketch to start")
        before = self._running() if others is None else others

        def reappeared() -> UsbPort | None:
            for port in self.usb.ports():
                if port.state == "application" and (port.is_same_board(bootloader) or port.device not in before):
                    return port
            return None

        port = _poll(reappeared, self.timeouts.application)
        if port is None:
            raise BoardError(
                "the image is written, but the board does not reappear",
                why=f"no port {self.spec.usb_id('application')} within {self.timeouts.application:.0f} s: the sketch "
                "may crash at its start",
                hint="Press reset once. If there is still no port, press reset twice and flash another image.",
            )
        return port

    def _running(self) -> set[str]:
        """The ports on which a sketch runs now."""
        return {port.device for port in self.usb.ports() if port.state == "application"}

    def _write(self, port: UsbPort, image: bytes) -> None:
        link = self._open(port)
        try:
            write_image(link, image, self.timeouts.steps, self.advance)
        finally:
            link.close()

    def _open(self, port: UsbPort) -> Link:
        try:
            return self.usb.open(port.device)
        except (PortDenied, PortBusy) as error:
            raise explain(port.device, error) from None

    def _start_bootloader(self, board: UsbPort) -> UsbPort:
        """The port of the board in its bootloader: at once, after a touch, or after the user pressed reset twice."""
        if board.state != "unknown" and not self._present(board):
            self.note("the board is not plugged in; waiting for it")
            _poll(lambda: self._present(board), self.timeouts.bootloader)
        port = self._find(board, "bootloader")
        if port is not None:
            return port
        before = {port.device for port in self.usb.ports() if port.state == "bootloader"}
        running = self._find(board, "application") or (board if board.state == "unknown" else None)
        if running is not None:
            self.note(f"starting the bootloader of the board on {running.device}")
            self._touch(running)
            found = _poll(lambda: self._new_bootloader(board, before), self.timeouts.bootloader)
            if found is not None:
                return found
        return self._await_double_tap(board, before)

    def _touch(self, port: UsbPort) -> None:
        try:
            self.usb.touch(port.device)
        except UnusablePort as error:
            raise explain(port.device, error) from None
        except LinkLost:
            pass  # the port disappeared during the touch: the board is resetting already

    def _await_double_tap(self, board: UsbPort, before: set[str]) -> UsbPort:
        limit_s = self.timeouts.double_tap
        self.note(
            "The bootloader does not start: the sketch hangs, or the cable only charges. Press the reset button of the "
            f"board twice, quickly; waiting {limit_s:.0f} s"
        )
        start = reminded = time.monotonic()

        def appeared() -> UsbPort | None:
            nonlocal reminded
            if time.monotonic() - reminded >= REMINDER_INTERVAL_S:
                reminded = time.monotonic()
                self.note(f"waiting for the bootloader, {limit_s - (reminded - start):.0f} s left")
            return self._new_bootloader(board, before)

        port = _poll(appeared, limit_s)
        if port is None:
            raise BoardError(
                "the bootloader did not appear",
                why=f"no port {self.spec.usb_id('bootloader')} within {limit_s:.0f} s",
                hint="Press reset twice, quickly, until the orange light fades in and out, then: eitk flash. If no "
                "light fades, try another cable: many only charge.",
            )
        return port

    def _find(self, board: UsbPort, state: PortState) -> UsbPort | None:
        """The port of the chosen board, if it is in this state now."""
        for port in self.usb.ports():
            if port.state == state and (port.device == board.device or port.is_same_board(board)):
                return port
        return None

    def _present(self, board: UsbPort) -> UsbPort | None:
        return self._find(board, "bootloader") or self._find(board, "application")

    def _new_bootloader(self, board: UsbPort, before: set[str]) -> UsbPort | None:
        """The board in its bootloader: the same socket or serial number, or the only new port."""
        known = self._find(board, "bootloader")
        if known is not None:
            return known
        new = [port for port in self.usb.ports() if port.state == "bootloader" and port.device not in before]
        return new[0] if len(new) == 1 and not (board.location and new[0].location) else None


def _poll(find: Callable[[], UsbPort | None], seconds: float) -> UsbPort | None:
    deadline = time.monotonic() + seconds
    while True:
        found = find()
        if found is not None or time.monotonic() > deadline:
            return found
        time.sleep(POLL_INTERVAL_S)
