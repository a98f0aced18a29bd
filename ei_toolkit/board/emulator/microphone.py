"""The microphone of a virtual board: PCM to the emulator daemon, and frames from the daemon to the board's program.

The board acknowledges each frame with '+', so that at most MAX_FRAMES frames are stored outside of it. The frames are
described in firmware/boards/core/PDM.h.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.board.emulator.shared_memory import MAX_FRAMES, SharedMemory
from ei_toolkit.config.boards import MICROPHONE_RATE_HZ
from ei_toolkit.errors import BoardError

FRAME_BYTES = 1024
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 120.0
MAX_SECONDS_IN_FLIGHT = 4  # so that a missing answer means that the board has stopped, not that much PCM is queued


class FrameSender:
    """The daemon's end of the microphone line. With shared memory a byte on the line announces a frame there."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, memory: SharedMemory | None) -> None:
        self._reader = reader
        self._writer = writer
        self._memory = memory
        self._in_flight = 0

    async def send(self, kind: bytes, pcm: bytes = b"") -> None:
        """Send a frame when the board has acknowledged enough of the frames before it."""
        while self._in_flight >= MAX_FRAMES:
            await self._receive_acknowledgements()
        frame = kind + (len(pcm) // 2).to_bytes(2, "little") + pcm
        self._writer.write(frame if self._memory is None else self._memory.store_frame(frame))
        self._in_flight += 1
        await self._writer.drain()

    async def wait_processed(self) -> None:
        """Wait until the board has acknowledged every frame."""
        while self._in_flight:
            await self._receive_acknowledgements()

    async def _receive_acknowledgements(self) -> None:
        acknowledgements = await self._reader.read(64)
        if not acknowledgements:
            raise ConnectionResetError("the board has closed its microphone line")
        self._in_flight -= len(acknowledgements)


@dataclass(frozen=True)
class MicStream:
    """The microphone of a running virtual board. `model_sha256` is the model that runs there; empty if unknown."""

    board: str
    port: int
    model_sha256: str

    def stream_pcm(
        self, samples: NDArray[np.int16], advance: Callable[[int], None] = lambda _: None, *, restart: bool = True
    ) -> int:
        """Restart the microphone, unless the sketch records already, and stream `samples` to it: int16, shape (n,).

        Returns the number of samples when the board has processed all of them; `advance` is called with the number of
        samples of each part. Raises BoardError if another clip is being streamed or the board stops.
        """
        try:
            with self._connect(b"stream" if restart else b"continue") as line, line.makefile("rb") as answers:
                _checked(answers.readline(), b"ready")
                pcm = samples.astype("<i2").tobytes()
                for start in range(0, len(pcm), 2 * MICROPHONE_RATE_HZ):
                    line.sendall(pcm[start : start + 2 * MICROPHONE_RATE_HZ])
                    if start >= 2 * MICROPHONE_RATE_HZ * MAX_SECONDS_IN_FLIGHT:
                        _checked(answers.readline(), b"at")
                        advance(MICROPHONE_RATE_HZ)
                line.shutdown(socket.SHUT_WR)
                return _processed_samples(answers, advance)
        except OSError as error:
            raise BoardError(
                "the board stopped reading its microphone",
                why=str(error) or f"no answer within {ANSWER_TIMEOUT_S:.0f} s",
                hint="Start it again: eitk flash",
            ) from None

    def overflow(self) -> None:
        """Make the driver of the microphone fail, as the Nano's does when a buffer was not read in time."""
        with self._connect(b"overflow") as line, line.makefile("rb") as answers:
            _checked(answers.readline(), b"done")

    def _connect(self, command: bytes) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", self.port), CONNECT_TIMEOUT_S)
        line.settimeout(ANSWER_TIMEOUT_S)
        line.sendall(command + b"\n")
        return line


def _processed_samples(answers: BinaryIO, advance: Callable[[int], None]) -> int:
    """Wait for the rest and return the number of samples that the board has processed."""
    while (answer := answers.readline()).startswith(b"at"):
        advance(MICROPHONE_RATE_HZ)
    return int(_checked(answer, b"done").split()[1])


def _checked(answer: bytes, expected: bytes) -> bytes:
    if answer.startswith(expected):
        return answer
    if answer.startswith(b"busy"):
        raise BoardError(
            "another clip is being streamed to the board", hint="Wait for the other eitk play or eitk verify to end."
        )
    raise BoardError(
        "the board stopped reading its microphone",
        hint="eitk tail shows its last messages; eitk flash starts it again.",
    )
