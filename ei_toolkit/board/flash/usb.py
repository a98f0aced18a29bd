"""Put an image on a Nano 33 BLE over USB: into the bootloader, write, and wait until the sketch is back.

Every wait has a limit and says what it waits for. Nothing here knows where ports come from or how one is opened, so
that a simulated board can stand in for a real one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ei_toolkit.board.flash.bootloader import MAX_IMAGE, Patience, ProtocolError, write_image
from ei_toolkit.board.transport.link import Link, LinkLost
from ei_toolkit.board.transport.ports import Lister, UsbPort, choose
from ei_toolkit.board.transport.serial_port import PortBusy, PortDenied, Unusable, explain
from ei_toolkit.errors import BoardError

ATTEMPTS = 3
POLL_S = 0.05


@dataclass(frozen=True)
class Waits:
    """How long each change of the board may take, in seconds."""

    bootloader: float = 8.0
    double_tap: float = 30.0
    application: float = 10.0
    protocol: Patience = field(default_factory=Patience)


@dataclass(frozen=True)
class Usb:
    """The computer's side: list ports, open one, touch one at 1200 baud, say something, count bytes."""

    ports: Lister
    open: Callable[[str], Link]
    touch: Callable[[str], None]
    say: Callable[[str], None]
    advance: Callable[[int], None] = lambda _: None


def flash_usb(image: bytes, wanted: str, usb: Usb, waits: Waits) -> UsbPort:
    """Flash `image` to the board on the port `wanted` ("auto": the only one) and return its new port.

    Raises BoardError; whatever it says, the board is left in a state in which it can be flashed again.
    """
    check_fits(len(image))
    board = choose(usb.ports(), wanted)
    failure: Exception = ProtocolError("")
    for attempt in range(1, ATTEMPTS + 1):
        port = _into_bootloader(board, usb, waits)
        usb.say(f"writing {len(image):,} bytes to {port.device}")
        try:
            _write(port, image, usb, waits)
        except (LinkLost, ProtocolError) as error:
            failure = error
            usb.say(f"attempt {attempt} of {ATTEMPTS} failed: {error}")
            continue
        return await_application(port, usb, waits)
    raise BoardError(
        "the board could not be flashed",
        why=str(failure),
        hint="Try another cable or socket. Press reset twice, quickly: the orange light fades in and out, and the "
        "board takes a new image whatever was written before.",
    )


def check_fits(size: int) -> None:
    """Raises BoardError for an image that the board cannot hold."""
    if size > MAX_IMAGE:
        raise BoardError(
            "the image does not fit the board",
            why=f"{size:,} bytes, {MAX_IMAGE:,} are free",
            hint="int8 instead of float32, fewer filters, or engine tflite-eon instead of tflite.",
        )
    if size == 0:
        raise BoardError("the image is empty", hint="Build it again.")


def _write(port: UsbPort, image: bytes, usb: Usb, waits: Waits) -> None:
    link = _open(port, usb)
    try:
        write_image(link, image, waits.protocol, usb.advance)
    finally:
        link.close()


def _open(port: UsbPort, usb: Usb) -> Link:
    try:
        return usb.open(port.device)
    except (PortDenied, PortBusy) as error:
        raise explain(port.device, error) from None


def _into_bootloader(board: UsbPort, usb: Usb, waits: Waits) -> UsbPort:
    """The board's port once it is in its bootloader: as it is, after a touch, or after a double tap by hand."""
    if board.state != "unknown" and not _present(board, usb):
        usb.say("the board is gone; waiting for it to come back")
        _await(lambda: _present(board, usb), waits.bootloader)
    port = _find(board, usb, "bootloader")
    if port is not None:
        return port
    before = {port.device for port in usb.ports() if port.state == "bootloader"}
    running = _find(board, usb, "application") or (board if board.state == "unknown" else None)
    if running is not None:
        usb.say(f"asking the board on {running.device} for its bootloader")
        _touch(running, usb)
        found = _await(lambda: _arrived(board, usb, before), waits.bootloader)
        if found is not None:
            return found
    return _double_tap(board, usb, before, waits)


def _touch(port: UsbPort, usb: Usb) -> None:
    try:
        usb.touch(port.device)
    except Unusable as error:
        raise explain(port.device, error) from None
    except LinkLost:
        pass  # gone in the very moment: it resets already


def _double_tap(board: UsbPort, usb: Usb, before: set[str], waits: Waits) -> UsbPort:
    usb.say(
        f"The board does not come up in its bootloader: its sketch hangs, or the cable only charges. Press its reset "
        f"button twice, quickly; waiting {waits.double_tap:.0f} s"
    )
    start = last = time.monotonic()

    def arrived() -> UsbPort | None:
        nonlocal last
        if time.monotonic() - last >= 5.0:
            last = time.monotonic()
            usb.say(f"waiting for the bootloader, {waits.double_tap - (last - start):.0f} s left")
        return _arrived(board, usb, before)

    port = _await(arrived, waits.double_tap)
    if port is None:
        raise BoardError(
            "the bootloader did not appear",
            why=f"no port 2341:005a within {waits.double_tap:.0f} s",
            hint="Press reset twice, quickly, until the orange light fades in and out, then: eitk flash. If no light "
            "fades, try another cable: many only charge.",
        )
    return port


def _find(board: UsbPort, usb: Usb, state: str) -> UsbPort | None:
    """The chosen board's port, if it is in this state now."""
    for port in usb.ports():
        if port.state == state and (port.device == board.device or port.is_same_board(board)):
            return port
    return None


def _present(board: UsbPort, usb: Usb) -> UsbPort | None:
    return _find(board, usb, "bootloader") or _find(board, usb, "application")


def _arrived(board: UsbPort, usb: Usb, before: set[str]) -> UsbPort | None:
    """The board in its bootloader: the same socket or serial number, or the only new port."""
    known = _find(board, usb, "bootloader")
    if known is not None:
        return known
    fresh = [port for port in usb.ports() if port.state == "bootloader" and port.device not in before]
    return fresh[0] if len(fresh) == 1 and not (board.location and fresh[0].location) else None


def await_application(bootloader: UsbPort, usb: Usb, waits: Waits) -> UsbPort:
    """The board's port once its sketch runs. Raises BoardError if it does not come back."""
    usb.say("waiting for the sketch to start")
    before = {port.device for port in usb.ports() if port.state == "application"}

    def back() -> UsbPort | None:
        for port in usb.ports():
            if port.state == "application" and (port.is_same_board(bootloader) or port.device not in before):
                return port
        return None

    port = _await(back, waits.application)
    if port is None:
        raise BoardError(
            "the image is written, but the board does not come back",
            why=f"no port 2341:805a within {waits.application:.0f} s: the sketch may crash at its start",
            hint="Press reset once. If it stays away, press reset twice and flash another image.",
        )
    return port


def _await(look: Callable[[], UsbPort | None], seconds: float) -> UsbPort | None:
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None or time.monotonic() > deadline:
            return found
        time.sleep(POLL_S)
