"""The sound of a stand-in board: frames on its microphone line, never more of them than it has worked off.

The frames are described in firmware/boards/core/PDM.h.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.board.emulator.virtual_boards import BoardState
from ei_toolkit.errors import BoardError

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


CONNECT_TIMEOUT_S = 5.0
QUIET_TIMEOUT_S = 120.0  # a board that takes nothing for so long hangs
SECOND = 16000
AHEAD_S = 4


def feed(state: BoardState, samples: NDArray[np.int16], advance: Callable[[int], None] = lambda _: None) -> int:
    """Start the microphone anew and let the board hear `samples` (int16, shape (n,), 16 kHz).

    Returns the number of samples heard, once all of them have been worked off; `advance` is told of each chunk.
    Raises BoardError if another clip is being played or the board stops taking sound.
    """
    try:
        with _order(state, b"feed") as line, line.makefile("rb") as answers:
            _answered(answers.readline(), b"ready")
            pcm = samples.astype("<i2").tobytes()
            for start in range(0, len(pcm), 2 * SECOND):
                line.sendall(pcm[start : start + 2 * SECOND])
                if start >= 2 * SECOND * AHEAD_S:  # no more than this is under way, or silence would not mean anything
                    _answered(answers.readline(), b"at")
                    advance(SECOND)
            line.shutdown(socket.SHUT_WR)
            return _last_answer(answers, advance)
    except OSError as error:
        raise BoardError(
            "the board stopped listening", why=str(error) or "no answer in time", hint="eitk flash"
        ) from None


def _last_answer(answers: BinaryIO, advance: Callable[[int], None]) -> int:
    """Wait for what is still under way, and give the number of samples heard."""
    while (answer := answers.readline()).startswith(b"at"):
        advance(SECOND)
    return int(_answered(answer, b"fed").split()[1])


def overflow(state: BoardState) -> None:
    """Let the microphone's driver fail as the Nano's does when a buffer was not fetched in time."""
    with _order(state, b"overflow") as line, line.makefile("rb") as answers:
        _answered(answers.readline(), b"done")


def _order(state: BoardState, order: bytes) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", state.microphone_port), CONNECT_TIMEOUT_S)
    line.settimeout(QUIET_TIMEOUT_S)
    line.sendall(order + b"\n")
    return line


def _answered(answer: bytes, wanted: bytes) -> bytes:
    if answer.startswith(wanted):
        return answer
    if answer.startswith(b"busy"):
        raise BoardError("the board hears another clip just now", hint="Wait for the other eitk play or listen to end.")
    raise BoardError("the board stopped listening", hint="eitk tail shows its last words; eitk flash starts it anew.")
