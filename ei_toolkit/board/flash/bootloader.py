"""The bootloader of the Nano 33 BLE: SAM-BA with Arduino's extensions.

A command is a letter, hexadecimal arguments and `#`. `N#` binary mode, `V#` version with the abilities in
`[Arduino:IKXYZ]`, `I#` chip, `X<address>#` erase from an address on, `S<address>,<length>#` and that many bytes into
the buffer, `Y<buffer>,0#` then `Y<address>,<length>#` from the buffer into flash, `Z<address>,<length>#` CRC-16 of
flash, `K#` reset. Address 0 is the start of the application. Source: Arduino's fork of BOSSA, src/Samba.cpp.
"""

from __future__ import annotations

import binascii
import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from ei_toolkit.board.transport.link import Link, LinkLost

BLOCK = 4096
ABILITIES = re.compile(rb"\[Arduino:([A-Z]+)\]")
NEEDED = frozenset(b"XYZK")
BUFFER = 0


class ProtocolError(Exception):
    """The bootloader did not answer, or its answer is not in the protocol."""


@dataclass(frozen=True)
class StepTimeouts:
    """How long each step may take, in seconds."""

    answer: float = 1.0
    erase: float = 30.0
    write: float = 5.0


class Bootloader:
    """The commands of a bootloader on an open line."""

    def __init__(self, link: Link, timeouts: StepTimeouts) -> None:
        self._link = link
        self._timeouts = timeouts
        self._pending = b""

    def connect(self) -> str:
        """Switch to binary mode and return the version. Raises ProtocolError if it cannot do what is needed."""
        self._send(b"N#")
        self._line()
        self._send(b"V#")
        version = self._line()
        found = ABILITIES.search(version)
        if found is None or NEEDED - set(found[1]):
            raise ProtocolError(f"this is not the bootloader of a Nano 33 BLE: its version is {version[:60]!r}")
        return version.decode("ascii", errors="replace")

    def erase(self) -> None:
        """Erase the application."""
        self._send(b"X00000000#")
        self._expect(b"X", self._timeouts.erase)

    def write(self, address: int, block: bytes) -> None:
        """Write up to 4096 bytes of an erased flash."""
        self._send(b"S%08X,%08X#" % (BUFFER, len(block)))
        self._send(block)
        self._send(b"Y%08X,0#" % BUFFER)
        self._expect(b"Y", self._timeouts.answer)
        self._send(b"Y%08X,%08X#" % (address, len(block)))
        self._expect(b"Y", self._timeouts.write)

    def checksum(self, address: int, length: int) -> int:
        """CRC-16 of a part of the flash."""
        self._send(b"Z%08X,%08X#" % (address, length))
        answer = self._line(self._timeouts.write)
        if not re.fullmatch(rb"Z[0-9A-Fa-f]{8}#", answer):
            raise ProtocolError(f"the bootloader answered {answer[:20]!r} instead of a checksum")
        return int(answer[1:9], 16)

    def reset(self) -> None:
        """Start the application."""
        self._send(b"K#")

    def _send(self, data: bytes) -> None:
        self._link.write(data)

    def _expect(self, answer: bytes, timeout: float) -> None:
        received = self._line(timeout)
        if received != answer:
            raise ProtocolError(f"the bootloader answered {received[:20]!r} instead of {answer!r}")

    def _line(self, timeout: float | None = None) -> bytes:
        """One answer without its line end, which is `\\n\\r`."""
        deadline = time.monotonic() + (self._timeouts.answer if timeout is None else timeout)
        while b"\n\r" not in self._pending:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ProtocolError("the bootloader does not answer")
            self._pending += self._link.read(left)
        line, _, self._pending = self._pending.partition(b"\n\r")
        return line


def crc16(data: bytes) -> int:
    """The bootloader's checksum: CRC-16 with polynomial 0x1021 from 0, as XMODEM uses it."""
    return binascii.crc_hqx(data, 0)


def write_image(link: Link, image: bytes, timeouts: StepTimeouts, advance: Callable[[int], None]) -> str:
    """Erase, write, verify and start `image`; returns the bootloader's version. `advance` is called with bytes written.

    Raises ProtocolError or LinkLost; the bootloader then still runs and the image can be written again.
    """
    bootloader = Bootloader(link, timeouts)
    version = bootloader.connect()
    bootloader.erase()
    for address in range(0, len(image), BLOCK):
        bootloader.write(address, image[address : address + BLOCK])
        advance(min(BLOCK, len(image) - address))
    for address in range(0, len(image), BLOCK):
        block = image[address : address + BLOCK]
        if bootloader.checksum(address, len(block)) != crc16(block):
            raise ProtocolError(f"the flash at {address:#x} differs from what was written")
    with contextlib.suppress(LinkLost):  # the board resets before the line is flushed
        bootloader.reset()
    return version
