"""Memory that QEMU shares with the emulator daemon: frames of the microphone, and the bytes that the board prints.

A byte on a line costs QEMU a change of threads or a system call. The bytes are therefore in memory, and the lines only
announce them: one byte for a frame, and two for the number of printed bytes, low byte first.
firmware/boards/emulated/hal.cpp is the other side.
"""

from __future__ import annotations

import mmap
from typing import IO

SIZE_BYTES = 16 * 2**20  # the PSRAM of the machine mps2-an386, whose size is fixed
MAX_FRAMES = 8  # that the board has not acknowledged
SLOT_BYTES = 2048  # of each of these frames: its length in two bytes, low byte first, and the frame
TAKEN = MAX_FRAMES * SLOT_BYTES  # position of the number of printed bytes that were taken, modulo 2**32
PRINTED = TAKEN + 4
PRINTED_BYTES = 2**16  # of this ring buffer


class SharedMemory:
    """The daemon's view of the memory, which is a file of SIZE_BYTES."""

    def __init__(self, file: IO[bytes]) -> None:
        file.truncate(SIZE_BYTES)
        self._memory = mmap.mmap(file.fileno(), SIZE_BYTES)
        self._next_slot = 0
        self._taken = 0
        self._announcement = b""

    def store_frame(self, frame: bytes) -> bytes:
        """Write a frame to the slot of the oldest one, which was acknowledged; return what announces it."""
        start = self._next_slot * SLOT_BYTES
        self._memory[start : start + 2 + len(frame)] = len(frame).to_bytes(2, "little") + frame
        self._next_slot = (self._next_slot + 1) % MAX_FRAMES
        return b"F"

    def take_printed(self, announcements: bytes) -> bytes:
        """Return the bytes that the board has announced, and let it write to their place again."""
        received = self._announcement + announcements
        complete = len(received) // 2 * 2
        self._announcement = received[complete:]
        count = sum(int.from_bytes(received[i : i + 2], "little") for i in range(0, complete, 2))
        start, end = self._taken % PRINTED_BYTES, self._taken % PRINTED_BYTES + count
        data = self._memory[PRINTED + start : PRINTED + min(end, PRINTED_BYTES)]
        data += self._memory[PRINTED : PRINTED + max(0, end - PRINTED_BYTES)]
        self._taken = (self._taken + count) % 2**32
        self._memory[TAKEN:PRINTED] = self._taken.to_bytes(4, "little")
        return data
