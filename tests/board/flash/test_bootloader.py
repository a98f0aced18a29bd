"""The protocol with a bootloader in this process: what is in flash afterwards, and each wrong answer."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.board.flash.bootloader import BLOCK, Bootloader, ProtocolError, StepTimeouts, crc16, write_image
from ei_toolkit.board.transport.link import LinkLost

TIMEOUTS = StepTimeouts(answer=0.02, erase=0.02, write=0.02)
COMMAND = re.compile(rb"([NVXSYZK])([0-9A-F]*)(?:,([0-9A-F]+))?#")
VERSION = b"Arduino Bootloader (SAM-BA extended) 2.0 [Arduino:IKXYZ]"
Change = Callable[[bytes, bytes], bytes | None]


class Board:
    """A bootloader: commands in, answers out. `change` may replace the answer to a command, or drop it with None."""

    def __init__(self, change: Change = lambda _command, answer: answer) -> None:
        self.flash = bytearray(b"\xff" * 40_000)
        self.buffer = b""
        self.erased = self.was_reset = False
        self.commands: list[bytes] = []
        self._change = change
        self._waiting, self._data = 0, b""
        self._output = b""

    def write(self, data: bytes) -> None:
        if self._waiting:
            self.buffer, self._waiting = data[: self._waiting], 0
            return
        match = COMMAND.fullmatch(data)
        assert match is not None, data
        self.commands.append(match[1])
        answer = self._change(match[1], self._run(match[1], int(match[2] or b"0", 16), int(match[3] or b"0", 16)))
        self._output += b"" if answer is None else answer

    def _run(self, name: bytes, address: int, length: int) -> bytes:
        if name == b"V":
            return VERSION + b"\n\r"
        if name == b"X":
            self.erased = True
            self.flash[:] = b"\xff" * len(self.flash)
        if name == b"S":
            self._waiting = length
            return b""
        if name == b"Y" and length:
            self.flash[address : address + length] = self.buffer
        if name == b"Z":
            return b"Z%08X#\n\r" % crc16(bytes(self.flash[address : address + length]))
        if name == b"K":
            self.was_reset = True
            return b""
        return (b"" if name == b"N" else name) + b"\n\r"

    def read(self, _timeout: float) -> bytes:
        first, self._output = self._output[:3], self._output[3:]  # answers arrive in pieces
        return first

    def put_back(self, data: bytes) -> None:
        raise AssertionError(data)

    def acknowledge(self, lines: int) -> None:
        raise AssertionError(lines)

    def close(self) -> None:
        raise AssertionError


def flash(board: Board, image: bytes = b"code" * 3000) -> str:
    return write_image(board, image, TIMEOUTS, lambda _count: None)


@settings(max_examples=30)
@given(st.binary(min_size=1, max_size=3 * BLOCK))
def test_the_flash_has_the_image_and_nothing_else(image: bytes) -> None:
    board, written = Board(), []
    assert write_image(board, image, TIMEOUTS, written.append) == VERSION.decode()
    assert board.erased and board.was_reset
    assert board.flash == image + b"\xff" * (len(board.flash) - len(image))
    assert sum(written) == len(image) and max(written) <= BLOCK


def test_nothing_is_written_before_the_flash_is_erased_and_all_is_verified_before_the_reset() -> None:
    board = Board()
    flash(board, b"x" * (BLOCK + 1))
    assert board.commands == [b"N", b"V", b"X", b"S", b"Y", b"Y", b"S", b"Y", b"Y", b"Z", b"Z", b"K"]


@pytest.mark.parametrize("at", [0, BLOCK - 1, BLOCK, 2 * BLOCK])
def test_one_bit_that_differs_is_found_in_each_block(at: int) -> None:
    class Faulty(Board):
        def _run(self, name: bytes, address: int, length: int) -> bytes:
            answer = super()._run(name, address, length)
            if name == b"Y" and address <= at < address + length:
                self.flash[at] ^= 1
            return answer

    board = Faulty()
    with pytest.raises(ProtocolError, match=f"the flash at {at // BLOCK * BLOCK:#x} differs from what was written"):
        flash(board, b"x" * (2 * BLOCK + 1))
    assert not board.was_reset


@pytest.mark.parametrize("version", [b"v1.1", b"[Arduino:XYZ]", b"[Arduino:]", b"", b"\xff\xff [arduino:IKXYZ]"])
def test_another_bootloader_is_refused_before_anything_is_erased(version: bytes) -> None:
    board = Board(lambda command, answer: version + b"\n\r" if command == b"V" else answer)
    with pytest.raises(ProtocolError, match="this is not the bootloader of a Nano 33 BLE: its version is"):
        flash(board)
    assert not board.erased


@pytest.mark.parametrize(
    ("command", "answer", "message"),
    [
        (b"X", b"?\n\r", "the bootloader answered b'?' instead of b'X'"),
        (b"Y", b"Z\n\r", "the bootloader answered b'Z' instead of b'Y'"),
        (b"Z", b"Z12#\n\r", "the bootloader answered b'Z12#' instead of a checksum"),
        (b"Z", b"Z0000zzzz#\n\r", "instead of a checksum"),
        (b"Z", b"\n\r", "the bootloader answered b'' instead of a checksum"),
        (b"N", None, "the bootloader does not answer"),
        (b"V", VERSION, "the bootloader does not answer"),
        (b"X", None, "the bootloader does not answer"),
        (b"Y", b"Y\n", "the bootloader does not answer"),
        (b"Z", None, "the bootloader does not answer"),
    ],
)
def test_a_wrong_answer_ends_the_attempt(command: bytes, answer: bytes | None, message: str) -> None:
    board = Board(lambda name, right: answer if name == command else right)
    with pytest.raises(ProtocolError) as caught:
        flash(board)
    assert message in str(caught.value)
    assert not board.was_reset


def test_a_board_that_resets_while_the_line_is_flushed_is_flashed() -> None:
    class Resetting(Board):
        def write(self, data: bytes) -> None:
            super().write(data)
            if data == b"K#":
                raise LinkLost("the port has disappeared")

    board = Resetting()
    assert flash(board) == VERSION.decode()
    assert board.was_reset


def test_answers_that_arrive_together_are_taken_one_by_one() -> None:
    board = Board()
    bootloader = Bootloader(board, TIMEOUTS)
    board._output = b"\n\r" + VERSION + b"\n\r"
    board._change = lambda _command, _answer: None
    assert bootloader.connect() == VERSION.decode()


@given(st.binary(max_size=64))
def test_the_checksum_is_that_of_xmodem(data: bytes) -> None:
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    assert crc16(data) == crc
