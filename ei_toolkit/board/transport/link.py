"""A serial line in both directions: to the emulator process of a virtual board over TCP, or to a board on USB."""

from __future__ import annotations

import contextlib
import select
import socket
from typing import Protocol

from ei_toolkit.errors import BoardError

ENQ, ACK = b"\x05", b"\x06"  # the reader announces acknowledgements with ENQ and sends one ACK for each line it used
PROMPT = b"> "  # ends a reply to an AT command, at the beginning of a line that has no end yet
BAUD = 115200  # has no effect on native USB, but must not be 1200
CONNECT_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 5.0
MAX_READ_BYTES = 65536


def prompts_before(line: str) -> int:
    """Return how many prompts are in front of the text of a line: an emulator process counts them as lines."""
    prompt = PROMPT.decode()
    count = 0
    while line.startswith(prompt, count * len(prompt)):
        count += 1
    return count


class LinkLost(Exception):
    """The connection to the board has ended: unplugged, reset or stopped."""


def lost_connection(error: LinkLost) -> BoardError:
    """Return the error for the user about a connection that has ended."""
    return BoardError("the connection to the board was lost", why=str(error), hint="Check its cable: eitk boards")


class Link(Protocol):
    """A line of bytes in both directions."""

    def read(self, timeout: float) -> bytes:
        """Return what has arrived, or nothing after `timeout` seconds. Raises LinkLost."""

    def write(self, data: bytes) -> None:
        """Send bytes. Raises LinkLost."""

    def put_back(self, data: bytes) -> None:
        """Let the next read begin with these bytes."""

    def acknowledge(self, lines: int) -> None:
        """Report that so many lines were used; an emulator process does not send them to another reader."""

    def close(self) -> None:
        """Close the line."""


class EmulatorLink:
    """The serial line of a virtual board: the loopback port of its emulator process."""

    def __init__(self, serial_port: int) -> None:
        self._returned = b""
        try:
            self._socket = socket.create_connection(("127.0.0.1", serial_port), CONNECT_TIMEOUT_S)
            self._socket.sendall(ENQ)
        except OSError as error:
            raise LinkLost(str(error)) from None

    def read(self, timeout: float) -> bytes:
        """Return what has arrived, or nothing after `timeout` seconds. Raises LinkLost."""
        if self._returned:
            returned, self._returned = self._returned, b""
            return returned
        if not select.select([self._socket], [], [], timeout)[0]:
            return b""
        try:
            data = self._socket.recv(MAX_READ_BYTES)
        except OSError as error:
            raise LinkLost(str(error)) from None
        if not data:
            raise LinkLost("the board has stopped")
        return data

    def write(self, data: bytes) -> None:
        """Send bytes. Raises LinkLost."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise LinkLost(str(error)) from None

    def put_back(self, data: bytes) -> None:
        """Let the next read begin with these bytes."""
        self._returned = data + self._returned

    def acknowledge(self, lines: int) -> None:
        """Report that so many lines were used."""
        with contextlib.suppress(LinkLost):
            self.write(ACK * lines)

    def close(self) -> None:
        """Close the line."""
        self._socket.close()


class SerialLink:
    """The serial line of a board on USB, through pyserial. Sets DTR, because sketches wait for it."""

    def __init__(self, port: str, *, baud: int = BAUD, exclusive: bool = False) -> None:
        import serial  # imported here because the command line loads this module before it needs pyserial

        self._returned = b""
        # pyserial itself raises TypeError when a port vanishes between two calls
        self._errors: tuple[type[Exception], ...] = (serial.SerialException, OSError, TypeError)
        try:
            self._serial = serial.serial_for_url(port, baud, timeout=0, write_timeout=WRITE_TIMEOUT_S)
            if exclusive and not port.startswith("socket:"):
                self._serial.exclusive = True
        except (*self._errors, ValueError) as error:  # ValueError: an address of a kind that pyserial does not know
            raise LinkLost(str(error)) from error

    def read(self, timeout: float) -> bytes:
        """Return what has arrived, or nothing after `timeout` seconds. Raises LinkLost."""
        if self._returned:
            returned, self._returned = self._returned, b""
            return returned
        try:
            self._serial.timeout = timeout
            first: bytes = self._serial.read(1)
            rest: bytes = self._serial.read(self._serial.in_waiting) if first else b""
        except self._errors as error:
            raise LinkLost(str(error)) from None
        return first + rest

    def write(self, data: bytes) -> None:
        """Send bytes. Raises LinkLost."""
        try:
            self._serial.write(data)
        except self._errors as error:
            raise LinkLost(str(error)) from None

    def drop_dtr(self) -> None:
        """Clear DTR, which shows a sketch that no program has the port open."""
        with contextlib.suppress(*self._errors):
            self._serial.dtr = False

    def put_back(self, data: bytes) -> None:
        """Let the next read begin with these bytes."""
        self._returned = data + self._returned

    def acknowledge(self, lines: int) -> None:
        """Do nothing: a serial port does not store lines."""

    def close(self) -> None:
        """Close the line."""
        with contextlib.suppress(*self._errors):
            self._serial.close()
