"""Erasing part of a file: a hole, which takes no room, where the system can make one; zeros elsewhere."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cache
from typing import Any

KEEP_SIZE, PUNCH_HOLE = 1, 2  # linux/falloc.h
CHUNK = 1 << 20


def erase(descriptor: int, start: int, size: int) -> None:
    """Make `size` bytes from `start` on read as zeros; those that do already cost nothing. They lie within the file."""
    if not _punch(descriptor, start, size):
        for at in range(start, start + size, CHUNK):
            zeros = bytes(min(CHUNK, start + size - at))
            if os.pread(descriptor, len(zeros), at) != zeros:
                write_all(descriptor, zeros, at)


def write_all(descriptor: int, data: bytes | memoryview, at: int) -> None:
    """Write at a place; a full disk, which cuts a write short, is an OSError."""
    rest = memoryview(data)
    while len(rest):
        written = os.pwrite(descriptor, rest, at)
        rest, at = rest[written:], at + written


def _punch(descriptor: int, start: int, size: int) -> bool:
    fallocate = _fallocate()
    wanted = ctypes.c_int(KEEP_SIZE | PUNCH_HOLE), ctypes.c_int64(start), ctypes.c_int64(size)
    return fallocate is not None and fallocate(ctypes.c_int(descriptor), *wanted) == 0


@cache
def _fallocate() -> Callable[..., Any] | None:
    """Linux's call with 64-bit offsets; None where the C library has none."""
    library = ctypes.CDLL(None)
    name = "fallocate" if ctypes.sizeof(ctypes.c_long) == 8 else "fallocate64"
    found: Callable[..., Any] | None = getattr(library, name, None)
    return found
