"""Keeping memory that was freed. By default glibc gives large pieces back to the system at once, and each body that
arrives then costs a page fault for every 4 kB: about a tenth of the time of an upload."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3  # malloc.h
KEPT, GROWTH, LARGEST_KEPT = 64 * 2**20, 4 * 2**20, 32 * 2**20


def keep_freed_memory() -> None:
    """Have this process keep up to 64 MB for what comes next; does nothing where the C library is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in ((TRIM_THRESHOLD, KEPT), (TOP_PAD, GROWTH), (MMAP_THRESHOLD, LARGEST_KEPT)):
            mallopt(option, value)
