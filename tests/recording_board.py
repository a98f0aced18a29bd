"""A board in the test process that records: it answers as eitk's sketch does, through a line that can damage blocks."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.board.transport.link import LinkLost

BLOCK_SAMPLES = 256
INFO = {
    "sketch": "0.3", "board": "nano33ble", "firmware": "0123456789abcdef", "model_sha256": "ab" * 32,
    "labels": ["classical", "rock"], "state": "stopped",
}  # fmt: skip
Line = Callable[[list[bytes]], list[bytes]]


def checked(text: str) -> bytes:
    """A line with its checksum."""
    return f'{text},"crc":{zlib.crc32(text.encode())}}}\r\n'.encode()


class RecordingBoard:
    """Records `sound` from its first sample on, at every recording again. `line` changes the lines of blocks."""

    def __init__(
        self,
        sound: NDArray[np.int16],
        line: Line = lambda lines: lines,
        *,
        chunk: int = 65536,
        block_samples: int = BLOCK_SAMPLES,
    ) -> None:
        self.sound = sound
        self.line = line
        self.chunk = chunk
        self.block_samples = block_samples
        self.recordings = 0
        self.commands: list[str] = []
        self.acknowledged = 0
        self.unplug_after: int | None = None  # reads
        self.info: dict[str, object] = dict(INFO)
        self._out = b""
        self._partial = b""
        self._endless = False

    def write(self, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._command(line.decode())

    def _command(self, command: str) -> None:
        self.commands.append(command)
        if command == "?":
            self._out += json.dumps({"eitk": 1, "info": self.info}, separators=(",", ":")).encode() + b"\r\n"
        elif command == "s":
            if self._endless:
                self._out += self._end(len(self.sound) // self.block_samples * self.block_samples, "stopped")
            self._endless = False
            self._out += b'{"eitk":1,"state":"stopped"}\r\n'
        elif command == "r":
            self._out += b'{"eitk":1,"state":"running"}\r\n'
        elif command == "m" or command.startswith("m "):
            self._record(int(command[2:] or 0))

    def _record(self, samples: int) -> None:
        self.recordings += 1
        text = f'{{"eitk":1,"recording":{self.recordings},"samples":{samples},"rate":16000,"gain":80'
        self._out += checked(f'{text},"block_samples":{self.block_samples}')
        self._endless = samples == 0
        count = samples or len(self.sound) // self.block_samples * self.block_samples
        self._out += b"".join(self.line([self._block(start, count) for start in range(0, count, self.block_samples)]))
        if samples:
            self._out += self._end(samples, "complete") + b'{"eitk":1,"state":"stopped"}\r\n'

    def _block(self, start: int, count: int) -> bytes:
        pcm = base64.b64encode(
            self.sound[start : min(start + self.block_samples, count)].astype("<i2").tobytes()
        ).decode()
        return checked(f'{{"eitk":1,"of":{self.recordings},"block":{start // self.block_samples},"pcm":"{pcm}"')

    def _end(self, samples: int, reason: str) -> bytes:
        blocks = -(-samples // self.block_samples)
        text = f'{{"eitk":1,"recorded":{self.recordings},"samples":{samples},"blocks":{blocks},"lost":0'
        return checked(f'{text},"reason":"{reason}"')

    def read(self, timeout: float) -> bytes:
        if self.unplug_after is not None:
            self.unplug_after -= 1
            if self.unplug_after < 0:
                raise LinkLost("device disconnected")
        data, self._out = self._out[: self.chunk], self._out[self.chunk :]
        return data

    def put_back(self, data: bytes) -> None:
        self._out = data + self._out

    def acknowledge(self, lines: int) -> None:
        self.acknowledged += lines

    def close(self) -> None:
        pass
