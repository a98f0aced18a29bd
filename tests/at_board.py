"""A board in the test process that speaks Edge Impulse's AT commands: `from at_board import AtBoard`."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import cbor2
import numpy as np
from recording_board import BLOCK_SAMPLES, checked

from ei_toolkit.board.transport.link import LinkLost

CONFIG = """
===== Device info =====
ID:         ac:87:a3:0a:2d:1b
Type:       ARDUINO_NANO33BLE
AT Version: 1.8.0
Data Transfer Baudrate: 115200

===== Sensors =====
Name: Built-in microphone, Max sample length: 3s, Frequencies: [16000.00Hz]
"""
INFO = '{"eitk":1,"info":{"labels":["classical","rock"],"state":"stopped"}}'
STREAMING_INFO = INFO.replace('"info":{', '"info":{"firmware":"0123456789abcdef",')
PREDICTION = (
    '{"eitk":1,"seq":%d,"end":48000,"ms":3000,"model":"abcdef012345","level_dbfs":-31.25,'
    '"scores":{"classical":0.25000,"rock":0.75000},"winner":"rock","led":"red","dsp_us":140500,"nn_us":30250,"overruns":0}'
)
RATE = 16_000
CHUNK_BYTES = 200  # of AT commands; a reply takes many reads, as on a serial line


class AtBoard:
    """Records a ramp of the requested length, and predicts the same again and again from `r` to `b`.

    `fails` is what it reports in place of a recording. With `streams` it also sends recordings in blocks, as eitk's
    sketch does, of which `lost_block` does not arrive.
    """

    def __init__(self, fails: str = "", *, streams: bool = False) -> None:
        self.fails = fails
        self.streams = streams
        self.lost_block: int | None = None
        self.is_plugged = True
        self.unplug_at = ""  # the command at which the cable is pulled
        self.at_command: dict[str, Callable[[], None]] = {}  # what happens when a command arrives
        self.commands: list[str] = []
        self.closed = 0
        self._out = b""
        self._partial = b""
        self._file = b""
        self._samples = 0
        self.predictions: int | None = None  # while it predicts, their number

    def opened(self) -> AtBoard:
        """This board, for a `Source`. Raises LinkLost while it is not plugged in."""
        self._check()
        return self

    def write(self, data: bytes) -> None:
        self._check()
        *lines, self._partial = (self._partial + data).replace(b"\n", b"\r").split(b"\r")
        for line in lines:
            self._command(line.decode())

    def _command(self, line: str) -> None:
        self.commands.append(line)
        name, _, value = line.partition("=")
        if self.unplug_at and name == self.unplug_at:
            self.is_plugged = False
        self.at_command.pop(name, lambda: None)()
        if name in "?r":
            self.predictions = 0 if name == "r" else None
            self._out += (
                f"{STREAMING_INFO if self.streams else INFO}\r\n".encode()
                if name == "?"
                else b'{"eitk":1,"state":"running"}\r\n'
            )
            return
        self.predictions = None
        if name[:1] in "sm":
            self._out += b'{"eitk":1,"state":"stopped"}\r\n' if name == "s" else self._streamed(int(name[2:]))
            return
        replies = {"b": "", "AT+CONFIG?": CONFIG, "AT+SAMPLESTART": "", "AT+READBUFFER": ""}
        reply = replies.get(name, "OK")
        if name == "AT+SAMPLESETTINGS":
            self._samples = round(float(value.split(",")[2]) * RATE / 1000)
        if name == "AT+SAMPLESTART":
            reply = f"ERR: {self.fails}" if self.fails else self._sampled()
        if name == "AT+READBUFFER":
            reply = base64.b64encode(self._file).decode()
        self._out += f"\r\n{reply}\r\n> ".encode()

    def _sampled(self) -> str:
        payload = {
            "device_name": "ac:87:a3:0a:2d:1b", "device_type": "ARDUINO_NANO33BLE", "interval_ms": 1000 / RATE,
            "sensors": [{"name": "audio", "units": "wav"}], "values": (np.arange(self._samples) % 999).tolist(),
        }  # fmt: skip
        protected = {"ver": "v1", "alg": "none"}
        self._file = cbor2.dumps({"protected": protected, "signature": "0" * 64, "payload": payload})
        return (
            "Sampling...\r\nDone sampling\r\nProcessing...\r\nDone processing\r\nUploading...\r\n"
            f"File name: /fs/x.1.cbor\r\nNot uploading file, not connected to WiFi. Used buffer, from=0,"
            f" to={len(self._file)}."
        )

    def _streamed(self, count: int) -> bytes:
        start = f'{{"eitk":1,"recording":1,"samples":{count},"rate":16000,"gain":80,"block_samples":{BLOCK_SAMPLES}'
        pcm = (np.arange(count) % 999).astype("<i2").tobytes()
        blocks = [base64.b64encode(pcm[first : first + 512]).decode() for first in range(0, len(pcm), 512)]
        lines = [checked(f'{{"eitk":1,"of":1,"block":{i},"pcm":"{block}"') for i, block in enumerate(blocks)]
        if self.lost_block is not None:
            del lines[self.lost_block]
        end = f'{{"eitk":1,"recorded":1,"samples":{count},"blocks":{len(blocks)},"lost":0,"reason":"complete"'
        return b"".join([checked(start), *lines, checked(end)])

    def _check(self) -> None:
        if not self.is_plugged:
            raise LinkLost("device disconnected")

    def read(self, timeout: float) -> bytes:
        self._check()
        if not self._out:
            time.sleep(min(timeout, 0.002))
            if self.predictions is not None:
                self.predictions += 1
                self._out = f"{PREDICTION % self.predictions}\r\n".encode()
        data, self._out = self._out[:CHUNK_BYTES], self._out[CHUNK_BYTES:]
        return data

    def put_back(self, data: bytes) -> None:
        self._out = data + self._out

    def acknowledge(self, lines: int) -> None:
        pass

    def close(self) -> None:
        self.closed += 1
