"""Lines of a board that nobody has read yet, kept in order and within bounds."""

from __future__ import annotations

import asyncio
from collections import deque

MAX_LINES = 20_000
MAX_PARTIAL = 64 * 1024


class Backlog:
    """A window onto an endless numbered list of lines; every reader has its own place in it."""

    def __init__(self, max_lines: int = MAX_LINES) -> None:
        self._lines: deque[bytes] = deque(maxlen=max_lines)
        self._partial = b""
        self._end = 0  # number of the next line
        self._unread = 0  # number of the first line that nobody has taken
        self._grown = asyncio.Condition()

    @property
    def first_unread(self) -> int:
        """Where a new reader begins: at the first line that nobody took and that is still there."""
        return max(self._unread, self._end - len(self._lines))

    async def add(self, data: bytes) -> list[bytes]:
        """Take bytes from the board and give the lines that they complete."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) > MAX_PARTIAL:  # no line is that long: let it go as one
            lines.append(self._partial)
            self._partial = b""
        async with self._grown:
            self._lines.extend(line + b"\n" for line in lines)
            self._end += len(lines)
            self._grown.notify_all()
        return lines

    async def after(self, number: int) -> tuple[list[bytes], int]:
        """Every line from `number` on, once there is one, and the number of the line after them."""
        async with self._grown:
            await self._grown.wait_for(lambda: self._end > number)
            missing = max(0, len(self._lines) - (self._end - number))
            return list(self._lines)[missing:], self._end

    def taken(self, number: int) -> None:
        """Everything before line `number` has been read by somebody."""
        self._unread = max(self._unread, min(number, self._end))
