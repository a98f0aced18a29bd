"""Serial output of a virtual board that no reader has used yet, in order and bounded, and its delivery to readers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque

from ei_toolkit.board.transport.link import ACK, PROMPT

MAX_LINES = 20_000
MAX_PARTIAL_BYTES = 64 * 1024
MAX_BEHIND = 10_000  # lines that a reader may be behind; the lines of 160 s of a recording
STALLED_AFTER_S = 10.0  # without a line that it takes, a reader is not waited for
POLL_INTERVAL_S = 0.005


class Backlog:
    """The newest lines of an endless numbered list; each reader has its own position in it.

    A prompt of the AT commands counts as a line of its own.
    """

    def __init__(self, max_lines: int = MAX_LINES) -> None:
        self._lines: deque[bytes] = deque(maxlen=max_lines)
        self._partial = b""
        self._end = 0  # number of the next line
        self._unread = 0  # number of the first line that no reader has used
        self._changed = asyncio.Condition()

    @property
    def first_unread(self) -> int:
        """Where a new reader begins: at the first line that no reader has used and that is still stored."""
        return max(self._unread, self._end - len(self._lines))

    @property
    def end(self) -> int:
        """The number of the next line."""
        return self._end

    async def add(self, data: bytes) -> list[bytes]:
        """Add bytes from the board and return the lines that they complete."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) > MAX_PARTIAL_BYTES:  # store data without a line end as one line
            lines.append(self._partial)
            self._partial = b""
        entries = [line + b"\n" for line in lines]
        if self._partial == PROMPT:  # no end of line follows a prompt
            entries.append(PROMPT)
            self._partial = b""
        async with self._changed:
            self._lines.extend(entries)
            self._end += len(entries)
            self._changed.notify_all()
        return lines

    async def after(self, number: int) -> tuple[list[bytes], int]:
        """Wait until line `number` exists; return the lines from it on and the number of the line after them."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._end > number)
            missing = max(0, len(self._lines) - (self._end - number))
            return list(self._lines)[missing:], self._end

    def mark_used(self, number: int) -> None:
        """Record that a reader has used every line before line `number`."""
        self._unread = max(self._unread, min(number, self._end))


class BacklogReader:
    """One client of the serial port and its position in the backlog."""

    def __init__(self, backlog: Backlog, *, acknowledges: bool) -> None:
        self._backlog = backlog
        self._acknowledges = acknowledges
        self._used = self._position = backlog.first_unread
        self._stalled_at = -1

    async def send(self, writer: asyncio.StreamWriter) -> None:
        """Send lines until the client disconnects."""
        with contextlib.suppress(ConnectionError):
            while True:
                lines, position = await self._backlog.after(self._position)
                writer.write(b"".join(lines))
                await writer.drain()
                self._position = position
                if not self._acknowledges:
                    self._backlog.mark_used(position)

    async def catch_up(self) -> None:
        """Wait while the client is more than MAX_BEHIND lines behind, unless it has stopped reading."""
        last, since = self._position, time.monotonic()
        while self._backlog.end - self._position > MAX_BEHIND and self._position != self._stalled_at:
            await asyncio.sleep(POLL_INTERVAL_S)
            if self._position != last:
                last, since = self._position, time.monotonic()
            elif time.monotonic() - since > STALLED_AFTER_S:
                self._stalled_at = self._position

    def receive(self, data: bytes) -> bytes:
        """Count the acknowledgements in the client's bytes and return the bytes for the board."""
        if not self._acknowledges:
            return data
        self._used += data.count(ACK)
        self._backlog.mark_used(self._used)
        return data.replace(ACK, b"")
