"""The sound of a stand-in board: frames on its microphone line, never more of them than it has worked off.

The frames are described in firmware/boards/core/PDM.h.
"""

from __future__ import annotations

import asyncio

FRAME_BYTES = 1024
WINDOW = 8  # frames under way; the board answers each with a '+'


def frame(kind: bytes, pcm: bytes = b"") -> bytes:
    """One frame: its kind, the number of samples (low byte first), the samples."""
    return kind + (len(pcm) // 2).to_bytes(2, "little") + pcm


class Feed:
    """The keeper's end of the microphone line.

    QEMU's multiplexer, which makes the line five times as fast, takes byte 1 as its escape unless it comes twice.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, multiplexed: bool) -> None:
        self._reader = reader
        self._writer = writer
        self._multiplexed = multiplexed
        self._under_way = 0

    async def send(self, kind: bytes, pcm: bytes = b"") -> None:
        """Send a frame once the board has worked off enough of those before."""
        while self._under_way >= WINDOW:
            await self._collect()
        data = frame(kind, pcm)
        self._writer.write(data.replace(b"\x01", b"\x01\x01") if self._multiplexed else data)
        self._under_way += 1
        await self._writer.drain()

    async def settle(self) -> None:
        """Wait until the board has worked off every frame."""
        while self._under_way:
            await self._collect()

    async def _collect(self) -> None:
        credits = await self._reader.read(64)
        if not credits:
            raise ConnectionResetError("the board has closed its microphone line")
        self._under_way -= len(credits)
