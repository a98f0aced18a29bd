"""Memory that QEMU shares with the emulator daemon: slots of frames, and the ring of printed bytes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from ei_toolkit.board.emulator.shared_memory import (
    MAX_FRAMES,
    PRINTED,
    PRINTED_BYTES,
    SIZE_BYTES,
    SLOT_BYTES,
    TAKEN,
    SharedMemory,
)


@pytest.fixture
def file() -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as made:
        yield made


def test_the_memory_is_as_large_as_the_machine_requires(file: BinaryIO) -> None:
    SharedMemory(file)
    assert os.fstat(file.fileno()).st_size == SIZE_BYTES == 16_777_216


def test_the_ninth_frame_takes_the_place_of_the_first(file: BinaryIO) -> None:
    memory = SharedMemory(file)
    announced = [memory.store_frame(b"D\x01\x00" + bytes([number, 0])) for number in range(MAX_FRAMES)]
    assert memory.store_frame(b"E\x00\x00") == b"F" and set(announced) == {b"F"}
    slots = [os.pread(file.fileno(), 7, number * SLOT_BYTES) for number in range(MAX_FRAMES)]
    assert slots[0][:5] == b"\x03\x00E\x00\x00"
    assert slots[1:] == [b"\x05\x00D\x01\x00" + bytes([number, 0]) for number in range(1, MAX_FRAMES)]


def test_printed_bytes_are_taken_when_they_are_announced_also_across_the_end_of_the_ring(file: BinaryIO) -> None:
    memory = SharedMemory(file)
    printed = bytes(range(256)) * 1024  # four times as much as fits
    taken, written = b"", 0
    while written < len(printed):
        for byte in printed[written : written + 30_000]:
            os.pwrite(file.fileno(), bytes([byte]), PRINTED + written % PRINTED_BYTES)
            written += 1
        count = (written - len(taken)).to_bytes(2, "little")
        assert memory.take_printed(count[:1]) == b""  # the announcement is not complete
        taken += memory.take_printed(count[1:])
        assert os.pread(file.fileno(), 4, TAKEN) == written.to_bytes(4, "little")
    assert taken == printed
