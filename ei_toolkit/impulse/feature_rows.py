"""Features of many windows: in memory, or in a temporary file where they are many, so that memory does not grow.

Features in a file are an array that is mapped into memory (numpy.memmap). What goes through all rows does so in
batches, which give the pages of the file back after each batch.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.config.archive import MIB

LARGEST_IN_MEMORY_BYTES = 128 * MIB  # of one array of features; a training has several such arrays at a time
ROWS_AT_ONCE = 1024

Rows = npt.NDArray[np.float32]


class RowCollector:
    """Collects rows of features one behind the other, in a temporary file of `folder` where they are many."""

    def __init__(self, columns: int, folder: Path) -> None:
        self._columns, self._folder = columns, folder
        self._parts: list[Rows] = []
        self._bytes = 0
        self._file: Any = None

    def add(self, rows: Rows) -> None:
        """Add rows, shape (n, columns)."""
        part = np.ascontiguousarray(rows, np.float32)
        self._parts.append(part)
        self._bytes += part.nbytes
        if self._file is None and self._bytes > LARGEST_IN_MEMORY_BYTES:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - it lives as long as the array
        if self._file is not None:
            for waiting in self._parts:
                self._file.write(waiting.data)
            self._parts = []

    def rows(self) -> Rows:
        """Return all rows, shape (n, columns). No more can be added then."""
        if self._file is None:
            return np.concatenate([np.empty((0, self._columns), np.float32), *self._parts])
        with self._file:
            self._file.flush()
            shape = (self._bytes // (4 * self._columns), self._columns)
            return np.memmap(self._file, np.float32, "r", shape=shape)


def is_in_file(rows: Rows) -> bool:
    """Return whether rows are in a file and not in memory."""
    return isinstance(rows, np.memmap)


def batches(rows: Rows, chosen: Sequence[int] | npt.NDArray[np.int64] | None = None) -> Iterator[Rows]:
    """Yield the rows, or the chosen ones in their order, ROWS_AT_ONCE at a time."""
    count = len(rows) if chosen is None else len(chosen)
    for first in range(0, count, ROWS_AT_ONCE):
        part = slice(first, first + ROWS_AT_ONCE)
        yield np.array(rows[part if chosen is None else chosen[part]])
        _release(rows)


def chosen_rows(rows: Rows, chosen: npt.NDArray[np.int64], folder: Path) -> Rows:
    """Return `rows[chosen]`; of rows in a file, in a file of `folder` if they are many."""
    return collected(batches(rows, chosen), rows.shape[1], folder) if is_in_file(rows) else rows[chosen]


def joined(parts: Sequence[Rows], folder: Path) -> Rows:
    """Return the rows of several arrays one behind the other."""
    return collected((batch for part in parts for batch in batches(part)), parts[0].shape[1], folder)


def side_by_side(parts: Sequence[Rows], folder: Path) -> Rows:
    """Return the columns of several arrays with equally many rows side by side."""
    if len(parts) == 1:
        return parts[0]
    columns = sum(part.shape[1] for part in parts)
    together = zip(*(batches(part) for part in parts), strict=True)
    return collected((np.concatenate(found, axis=1) for found in together), columns, folder)


def collected(found: Iterable[Rows], columns: int, folder: Path) -> Rows:
    """Return the rows of batches as one array."""
    collector = RowCollector(columns, folder)
    for batch in found:
        collector.add(batch)
    return collector.rows()


def save_rows(file: Path, rows: Rows) -> None:
    """Write rows as `numpy.save` does."""
    with file.open("wb") as stream:
        header = {"descr": np.lib.format.dtype_to_descr(rows.dtype), "fortran_order": False, "shape": rows.shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for batch in batches(rows):
            stream.write(batch.data)


def _release(rows: Rows) -> None:
    """Give back the pages of a mapped file, which count as memory of this process until the system needs them."""
    if isinstance(rows, np.memmap) and hasattr(mmap, "MADV_DONTNEED"):
        rows._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]
