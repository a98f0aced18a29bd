"""The events of a board, one after the other, across resets, unplugging and new port names."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.board.emulator.virtual_boards import VIRTUAL_BOARDS, check_name
from ei_toolkit.board.protocol import at_firmware as at
from ei_toolkit.board.protocol.events import Event, Info, Prediction, Warning
from ei_toolkit.board.protocol.parser import LineSplitter, Parser
from ei_toolkit.board.transport.link import KeeperLink, Link, LinkLost, running_state
from ei_toolkit.board.transport.ports import Lister, UsbPort, choose
from ei_toolkit.board.transport.serial_port import Unusable, explain, open_port
from ei_toolkit.errors import BoardError

TICK_S = 0.1  # how long a read waits; also how long the end of a text block is waited for
GATHER_S = 0.01  # after data, a pause in which more gathers: a fast board costs fewer reads
RECONNECT_S = 0.2
GIVE_UP_S = 60.0


def events(link: Link, parser: Parser, *, seconds: float | None = None) -> Iterator[Event | None]:
    """Events as they come, None in every quiet moment, until `seconds` are over. Raises LinkLost.

    A line that has been parsed counts as used.
    """
    lines = LineSplitter()
    deadline = None if seconds is None else time.monotonic() + seconds
    while deadline is None or time.monotonic() < deadline:
        data = link.read(TICK_S)
        if not data:
            yield from parser.flush() or (None,)
            continue
        for line in lines.add(data):
            link.used(1)
            yield from parser.feed(line)
        time.sleep(GATHER_S)


@dataclass
class Source:
    """A board that can be opened again: `open` gives a fresh line, or raises LinkLost while there is none.

    `begin` is called with each line that was opened; it may start what waits to be started.
    """

    open: Callable[[], Link]
    begin: Callable[[Link], list[Event]] = lambda _: []
    give_up_s: float = GIVE_UP_S

    def first(self) -> Link:
        """The line to begin with. Raises BoardError where there is none: nobody waits for what was never there."""
        try:
            return self.open()
        except LinkLost as error:
            raise BoardError(
                "the board cannot be reached", why=str(error), hint="See which boards are there: eitk boards"
            ) from None


def follow(source: Source, parser: Parser, *, seconds: float | None = None) -> Iterator[Event | None]:
    """Events of a board for `seconds`, or for ever; a lost line is told, and the board looked for until it is back.

    Raises BoardError if it is not there to begin with, or does not come back.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    link = source.first()
    try:
        while True:
            try:
                yield from source.begin(link)
                left = None if deadline is None else deadline - time.monotonic()
                yield from events(link, parser, seconds=left)
                return
            except LinkLost as error:
                link.close()
                yield from parser.flush()
                yield Warning(f"the line is lost: {error}")
            found = _reopened(source, deadline)
            if found is None:
                return
            link = found
            yield Info("the board is back")
    finally:
        link.close()


def until(source: Iterator[Event | None], count: int | None) -> Iterator[Event]:
    """Events without the quiet moments, up to and with the prediction number `count`."""
    left = count
    for event in source:
        if event is None:
            continue
        yield event
        if left is not None and isinstance(event, Prediction):
            left -= 1
            if left == 0:
                return


def _reopened(source: Source, deadline: float | None) -> Link | None:
    """A new line to the board; None when the time is over. Raises BoardError if the board stays away."""
    give_up = time.monotonic() + source.give_up_s
    while deadline is None or time.monotonic() < deadline:
        try:
            return source.open()
        except LinkLost as error:
            if time.monotonic() > give_up:
                raise BoardError(
                    f"the board did not come back within {source.give_up_s:.0f} s",
                    why=str(error),
                    hint="Plug it in again, or start it: eitk flash",
                ) from None
        time.sleep(RECONNECT_S)
    return None


def source_of(boards: Path, name: str, port: str, ports: Lister) -> Source:
    """The source of the board `name`. Raises BoardError where there is none to begin with."""
    check_name(name)
    if name in VIRTUAL_BOARDS:
        running_state(boards, name)
        return Source(lambda: _stand_in(boards, name))
    return usb_source(choose(ports(), port), ports)


def usb_source(board: UsbPort, ports: Lister) -> Source:
    """A board on USB, found again by its socket or serial number under whatever name it comes back."""

    def open_again() -> Link:
        device = _device_now(board, ports)
        try:
            return open_port(device)
        except Unusable as error:
            raise explain(device, error) from None

    return Source(open_again, at.begin)


def _stand_in(boards: Path, name: str) -> Link:
    try:
        return KeeperLink(running_state(boards, name))
    except BoardError as error:
        raise LinkLost(error.what) from None


def _device_now(board: UsbPort, ports: Lister) -> str:
    if board.state == "unknown":
        return board.device
    for port in ports():
        if port.state == "application" and (port.is_same_board(board) or port.device == board.device):
            return port.device
    raise LinkLost("the board is not plugged in, or in its bootloader")
