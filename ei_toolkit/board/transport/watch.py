"""The events of a board in order, across resets, unplugging and new port names."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ei_toolkit.board.protocol import at_firmware
from ei_toolkit.board.protocol.events import Event, Info, Line, Prediction, Warning
from ei_toolkit.board.protocol.parser import LineSplitter
from ei_toolkit.board.transport.link import Link, LinkLost, prompts_before
from ei_toolkit.board.transport.ports import Lister, UsbPort
from ei_toolkit.board.transport.serial_port import UnusablePort, explain, open_port
from ei_toolkit.errors import BoardError

READ_TIMEOUT_S = 0.1  # a block of text lines counts as complete after this time without data
BATCH_PAUSE_S = 0.01  # pause after data, so that a fast board is read in fewer, larger pieces
RECONNECT_INTERVAL_S = 0.2
RECONNECT_TIMEOUT_S = 60.0


class LineParser(Protocol):
    """Turns lines into events: `Parser`, or `RawLines`."""

    def feed(self, line: str) -> list[Event]:
        """Return the events that `line` completes."""

    def flush(self) -> list[Event]:
        """Return the events that no further line continues."""


def events(link: Link, parser: LineParser, *, seconds: float | None = None) -> Iterator[Event | None]:
    """Yield events as they arrive, and None after each read without data, until `seconds` are over. Raises LinkLost.

    A line is acknowledged when it is parsed.
    """
    lines = LineSplitter()
    deadline = None if seconds is None else time.monotonic() + seconds
    while deadline is None or time.monotonic() < deadline:
        data = link.read(READ_TIMEOUT_S)
        if not data:
            yield from parser.flush() or (None,)
            continue
        for line in lines.add(data):
            link.acknowledge(1 + prompts_before(line))
            yield from parser.feed(line)
        time.sleep(BATCH_PAUSE_S)


@dataclass
class Source:
    """A board that can be opened again: `open` returns a new link, or raises LinkLost while there is none.

    `begin` is called with each link that was opened; it may send what starts the output.
    """

    open: Callable[[], Link]
    begin: Callable[[Link], list[Event]] = lambda _: []
    reconnect_timeout_s: float = RECONNECT_TIMEOUT_S

    def first(self) -> Link:
        """Open the first link. Raises BoardError at once if the board does not exist when watching starts."""
        try:
            return self.open()
        except LinkLost as error:
            raise BoardError(
                "the board cannot be reached", why=str(error), hint="List the boards: eitk boards"
            ) from None


def follow(source: Source, parser: LineParser, *, seconds: float | None = None) -> Iterator[Event | None]:
    """Yield the events of a board for `seconds`, or without end; report a lost link and reconnect.

    Raises BoardError if the board does not exist at the start, or does not reappear.
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
                yield Warning(f"connection lost: {error}")
            reopened = _reopen(source, deadline)
            if reopened is None:
                return
            link = reopened
            yield Info("reconnected to the board")
    finally:
        link.close()


def until(source: Iterator[Event | None], count: int | None, timeout_s: float | None = None) -> Iterator[Event]:
    """Yield events, without the None of reads without data, up to and including prediction number `count`.

    Lines that are not parsed count as predictions. Raises BoardError when none arrives for `timeout_s` seconds.
    """
    left, last = count, time.monotonic()
    for event in source:
        if isinstance(event, Prediction | Line):
            last = time.monotonic()
        elif timeout_s is not None and time.monotonic() - last > timeout_s:
            raise BoardError(
                f"no prediction for {timeout_s:g} s",
                why="the board prints one for each window of sound",
                hint="Play a clip to a virtual board (eitk play), see all lines (eitk tail --raw), or wait longer "
                "(--timeout).",
            )
        if event is None:
            continue
        yield event
        if left is not None and isinstance(event, Prediction | Line):
            left -= 1
            if left == 0:
                return


def usb_source(board: UsbPort, ports: Lister) -> Source:
    """The source of a board on USB, which is found again by its socket or serial number under any device name."""

    def reopen() -> Link:
        device = _current_device(board, ports)
        try:
            return open_port(device)
        except UnusablePort as error:
            raise explain(device, error) from None

    return Source(reopen, at_firmware.begin)


def _reopen(source: Source, deadline: float | None) -> Link | None:
    """A new link to the board; None when the time is over. Raises BoardError if the board does not reappear."""
    give_up = time.monotonic() + source.reconnect_timeout_s
    while deadline is None or time.monotonic() < deadline:
        try:
            return source.open()
        except LinkLost as error:
            if time.monotonic() > give_up:
                raise BoardError(
                    f"the board did not reappear within {source.reconnect_timeout_s:.0f} s",
                    why=str(error),
                    hint="Plug it in again, or start it: eitk flash",
                ) from None
        time.sleep(RECONNECT_INTERVAL_S)
    return None


def _current_device(board: UsbPort, ports: Lister) -> str:
    if board.state == "unknown":
        return board.device
    for port in ports():
        if port.state == "application" and (port.is_same_board(board) or port.device == board.device):
            return port.device
    raise LinkLost("the board is not plugged in, or in its bootloader")
