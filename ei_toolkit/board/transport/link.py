"""Lines of a board that nobody has read yet, kept in order and within bounds."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
from collections import deque
from pathlib import Path
from typing import Protocol

from ei_toolkit.board.emulator.virtual_boards import BoardState, check_virtual_board, folder_of
from ei_toolkit.errors import BoardError

MAX_LINES = 20_000
MAX_PARTIAL = 64 * 1024


class Backlog:
    """A window onto an endless numbered list of lines; every reader has its own place in it."""

    def __init__(self, max_lines: int = MAX_LINES) -> None:
        self._lines: deque[bytes] = deque(maxlen=max_lines)
        self._partial = b""
        self._end = 0  # number of the next line
        self._unread = 0  # number of the first line that nobody has taken
        self._grown = asyncio.Condition()

    @property
    def first_unread(self) -> int:
        """Where a new reader begins: at the first line that nobody took and that is still there."""
        return max(self._unread, self._end - len(self._lines))

    async def add(self, data: bytes) -> list[bytes]:
        """Take bytes from the board and give the lines that they complete."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) > MAX_PARTIAL:  # no line is that long: let it go as one
            lines.append(self._partial)
            self._partial = b""
        async with self._grown:
            self._lines.extend(line + b"\n" for line in lines)
            self._end += len(lines)
            self._grown.notify_all()
        return lines

    async def after(self, number: int) -> tuple[list[bytes], int]:
        """Every line from `number` on, once there is one, and the number of the line after them."""
        async with self._grown:
            await self._grown.wait_for(lambda: self._end > number)
            missing = max(0, len(self._lines) - (self._end - number))
            return list(self._lines)[missing:], self._end

    def taken(self, number: int) -> None:
        """Everything before line `number` has been read by somebody."""
        self._unread = max(self._unread, min(number, self._end))


ENQ, ACK = b"\x05", b"\x06"
BAUD = 115200  # means nothing on native USB, but must not be 1200
CONNECT_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 5.0


class LinkLost(Exception):
    """The line is gone: unplugged, reset or stopped."""


class Link(Protocol):
    """A line of bytes in both directions."""

    def read(self, timeout: float) -> bytes:
        """What has arrived, or nothing after `timeout` seconds. Raises LinkLost."""

    def write(self, data: bytes) -> None:
        """Send bytes. Raises LinkLost."""

    def put_back(self, data: bytes) -> None:
        """Let the next read begin with these bytes."""

    def used(self, lines: int) -> None:
        """The reader has made use of so many lines; a keeper will not offer them again."""

    def close(self) -> None:
        """Close the line."""


class KeeperLink:
    """The serial line of a board that runs on this machine."""

    def __init__(self, state: BoardState) -> None:
        self._again = b""
        try:
            self._socket = socket.create_connection(("127.0.0.1", state.serial_port), CONNECT_TIMEOUT_S)
            self._socket.sendall(ENQ)
        except OSError as error:
            raise LinkLost(str(error)) from None

    def read(self, timeout: float) -> bytes:
        """What has arrived."""
        if self._again:
            again, self._again = self._again, b""
            return again
        if not select.select([self._socket], [], [], timeout)[0]:
            return b""
        try:
            data = self._socket.recv(65536)
        except OSError as error:
            raise LinkLost(str(error)) from None
        if not data:
            raise LinkLost("the board has stopped")
        return data

    def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise LinkLost(str(error)) from None

    def put_back(self, data: bytes) -> None:
        """Read them again."""
        self._again = data + self._again

    def used(self, lines: int) -> None:
        """Tell the keeper."""
        with contextlib.suppress(LinkLost):
            self.write(ACK * lines)

    def close(self) -> None:
        """Close the line."""
        self._socket.close()


class SerialLink:
    """The serial line of a board on USB, through pyserial; DTR is set, which its sketches wait for."""

    def __init__(self, port: str, *, baud: int = BAUD, exclusive: bool = False) -> None:
        import serial

        self._again = b""
        # pyserial itself raises TypeError when a port vanishes between two calls
        self._errors: tuple[type[Exception], ...] = (serial.SerialException, OSError, TypeError)
        try:
            self._serial = serial.serial_for_url(port, baud, timeout=0, write_timeout=WRITE_TIMEOUT_S)
            if exclusive and not port.startswith("socket:"):
                self._serial.exclusive = True
        except (*self._errors, ValueError) as error:  # ValueError: an address of a kind that pyserial does not know
            raise LinkLost(str(error)) from error

    def read(self, timeout: float) -> bytes:
        """What has arrived."""
        if self._again:
            again, self._again = self._again, b""
            return again
        try:
            self._serial.timeout = timeout
            first: bytes = self._serial.read(1)
            rest: bytes = self._serial.read(self._serial.in_waiting) if first else b""
        except self._errors as error:
            raise LinkLost(str(error)) from None
        return first + rest

    def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._serial.write(data)
        except self._errors as error:
            raise LinkLost(str(error)) from None

    def drop_dtr(self) -> None:
        """Take DTR away, which tells a sketch that nobody listens any more."""
        with contextlib.suppress(*self._errors):
            self._serial.dtr = False

    def put_back(self, data: bytes) -> None:
        """Read them again."""
        self._again = data + self._again

    def used(self, lines: int) -> None:
        """A wire keeps nothing."""

    def close(self) -> None:
        """Close the line."""
        with contextlib.suppress(*self._errors):
            self._serial.close()


def running_state(boards: Path, name: str) -> BoardState:
    """Where a stand-in can be reached. Raises BoardError if it does not run."""
    check_virtual_board(name)
    state = folder_of(boards, name).running()
    if state is None:
        raise BoardError(f"the {name} board does not run", hint=f"Start it: eitk flash --board {name}")
    return state
