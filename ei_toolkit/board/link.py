"""An open serial line, to a real board or to the keeper of one that runs on this machine."""

from __future__ import annotations

import contextlib
import select
import socket
from pathlib import Path
from typing import Protocol

from ei_toolkit.board.stand_in import folder_of
from ei_toolkit.board.state import BoardState, check_stand_in
from ei_toolkit.errors import BoardError

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
    check_stand_in(name)
    state = folder_of(boards, name).running()
    if state is None:
        raise BoardError(f"the {name} board does not run", hint=f"Start it: eitk flash --board {name}")
    return state
