"""A simulated Nano 33 BLE: a pty with the protocol of the bootloader, or with the output of a sketch.

    python simulated_board.py FOLDER [switches]

FOLDER/ports.json lists its ports and FOLDER/flash.bin contains its flash. A touch at 1200 baud starts its bootloader,
K# its sketch, each time under another port name. The switches simulate faults of real boards and cables.
"""

from __future__ import annotations

import argparse
import binascii
import contextlib
import errno
import json
import os
import re
import select
import sys
import termios
import time
import tty
from pathlib import Path

VERSION = b"Arduino Bootloader (SAM-BA extended) 2.0 [Arduino:IKXYZ]"
FLASH_BYTES = 983_040
COMMAND = re.compile(rb"^([NVIXSYZK])([0-9A-Fa-f]*)(?:,([0-9A-Fa-f]+))?#")
PIDS = {"application": 0x805A, "bootloader": 0x005A}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--start", choices=["application", "bootloader"], default="application")
    parser.add_argument("--hung", action="store_true", help="the sketch does not react to the touch")
    parser.add_argument("--double-tap-after", type=float, help="seconds until reset is pressed twice")
    parser.add_argument("--late", type=float, default=0.1, help="seconds until a port appears after a reset")
    parser.add_argument("--mute", action="store_true", help="the bootloader does not answer")
    parser.add_argument("--version", default=VERSION.decode(), help="answer of the bootloader to V#")
    parser.add_argument("--corrupt", type=int, default=0, help="number of writes that leave a wrong byte in flash")
    parser.add_argument(
        "--disconnect-after",
        type=int,
        nargs="*",
        default=[],
        help="bytes until the connection is interrupted, once for each number",
    )
    parser.add_argument("--no-return", action="store_true", help="the sketch never starts after flashing")
    parser.add_argument("--no-answer-to", default="", help="letters of commands that get no answer")
    parser.add_argument("--second", action="store_true", help="a second board is plugged in")
    parser.add_argument("--line", default="", help="line that the sketch prints repeatedly")
    parser.add_argument("--rate", type=float, default=10, help="lines per second")
    parser.add_argument("--at", action="store_true", help="AT firmware: silent until AT+RUNIMPULSE")
    parser.add_argument("--unplug-every", type=float, help="seconds until the port disappears and reappears")
    return parser.parse_args()


class Unplugged(Exception):
    """The port no longer exists."""


class Board:
    """One board; `plug` and `unplug` change its list of ports."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.flash = bytearray(b"\xff" * FLASH_BYTES)
        self.buffer = b""
        self.source = 0
        self.corrupt_left = options.corrupt
        self.interruptions = list(options.disconnect_after)
        self.received = 0
        self.master = -1
        self.touched = False
        self.started = time.monotonic()
        self.typed = b""
        self.running = not options.at

    def run(self) -> None:
        state = self.options.start
        while True:
            self.plug(state)
            with contextlib.suppress(Unplugged):
                state = self.run_bootloader() if state == "bootloader" else self.run_sketch()
            self.unplug()
            if state == "application" and self.options.no_return:
                time.sleep(60)
            time.sleep(self.options.late)

    def plug(self, state: str) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        name = os.ttyname(slave)
        os.close(slave)
        ports = [{"device": name, "state": state, "pid": PIDS[state], "serial_number": "SIM1", "location": "1-1"}]
        if self.options.second:
            ports.append(
                {
                    "device": "/dev/null",
                    "state": "application",
                    "pid": 0x805A,
                    "serial_number": "SIM2",
                    "location": "1-2",
                }
            )
        self.list_ports(ports)

    def unplug(self) -> None:
        self.list_ports([])
        os.close(self.master)

    def list_ports(self, ports: list[dict[str, object]]) -> None:
        partial = self.options.folder / "ports.part"
        partial.write_text(json.dumps(ports))
        partial.replace(self.options.folder / "ports.json")

    def save(self) -> None:
        (self.options.folder / "flash.bin").write_bytes(self.flash)

    def read(self, wait: float) -> bytes | None:
        """Return bytes from the computer, b"" for none, None while no program has the port open."""
        ready, _, _ = select.select([self.master], [], [], wait)
        if not ready:
            return b""
        try:
            return os.read(self.master, 4096)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            time.sleep(0.005)
            return None

    def run_sketch(self) -> str:
        opened, speed, next_line, count = False, 0, 0.0, 0
        plugged_in = time.monotonic()
        while True:
            if self.tapped():
                return "bootloader"
            if self.options.unplug_every and time.monotonic() - plugged_in > self.options.unplug_every:
                return "application"
            data = self.read(0.002)
            if data is None:
                if opened and speed == termios.B1200 and not self.options.hung:
                    return "bootloader"
                opened = False
                continue
            opened, speed = True, termios.tcgetattr(self.master)[5]
            if self.options.at and b"AT+RUNIMPULSE\r" in self.answer_prompt(data):
                self.running = True
            next_line = max(next_line, time.monotonic() - 0.1)
            while self.running and self.options.line and time.monotonic() >= next_line:
                next_line += 1 / self.options.rate
                self.write(self.options.line.replace("SEQ", str(count)).encode() + b"\r\n")
                count += 1

    def answer_prompt(self, data: bytes) -> bytes:
        """Echo the input and answer each carriage return with the prompt of the AT firmware."""
        self.typed = (self.typed + data)[-64:]
        if data:
            self.write(data + (b"\n> " if b"\r" in data else b""))
        return self.typed

    def tapped(self) -> bool:
        after = self.options.double_tap_after
        if after is None or self.touched or time.monotonic() - self.started < after:
            return False
        self.touched = True
        return True

    def run_bootloader(self) -> str:
        pending = b""
        while True:
            data = self.read(0.01)
            if not data:
                continue
            self.count(len(data))
            pending += data
            while match := COMMAND.match(pending):
                pending = pending[match.end() :]
                letter, first, second = match[1], int(match[2] or b"0", 16), int(match[3] or b"0", 16)
                if letter == b"S":
                    while len(pending) < second:
                        data = self.read(0.01) or b""
                        self.count(len(data))
                        pending += data
                    self.buffer, pending = pending[:second], pending[second:]
                elif letter == b"K":
                    self.save()
                    return "application"
                else:
                    self.answer(letter, first, second)

    def count(self, received: int) -> None:
        self.received += received
        if self.interruptions and self.received >= self.interruptions[0]:
            self.interruptions.pop(0)
            self.received = 0
            raise Unplugged

    def answer(self, letter: bytes, first: int, second: int) -> None:
        if self.options.mute or letter.decode() in self.options.no_answer_to:
            return
        if letter == b"N":
            self.write(b"\n\r")
        elif letter == b"V":
            self.write(self.options.version.encode() + b"\n\r")
        elif letter == b"I":
            self.write(b"nRF52840-QIAA\n\r")
        elif letter == b"X":
            self.flash[first:] = b"\xff" * (FLASH_BYTES - first)
            self.save()
            self.write(b"X\n\r")
        elif letter == b"Y" and second == 0:
            self.source = first
            self.write(b"Y\n\r")
        elif letter == b"Y":
            self.program(first, second)
            self.write(b"Y\n\r")
        elif letter == b"Z":
            self.write(b"Z%08X#\n\r" % binascii.crc_hqx(bytes(self.flash[first : first + second]), 0))

    def program(self, address: int, length: int) -> None:
        """Write to flash, which only changes ones to zeros: bytes that were not erased make the result wrong."""
        block = bytearray(self.buffer[self.source : self.source + length])
        if self.corrupt_left:
            self.corrupt_left -= 1
            block[len(block) // 2] ^= 0x40
        for i, value in enumerate(block):
            self.flash[address + i] &= value

    def write(self, data: bytes) -> None:
        try:
            os.write(self.master, data)
        except OSError:
            raise Unplugged from None


if __name__ == "__main__":
    try:
        Board(arguments()).run()
    except KeyboardInterrupt:
        sys.exit(130)
