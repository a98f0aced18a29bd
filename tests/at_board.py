"""A board in the test process that speaks Edge Impulse's AT commands: `from at_board import AtBoard`."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import cbor2
import numpy as np

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
PREDICTION = (
    '{"eitk":1,"seq":%d,"end":48000,"ms":3000,"model":"abcdef012345","level_dbfs":-31.25,'
    '"scores":{"classical":0.25000,"rock":0.75000},"winner":"rock","led":"red","dsp_us":140500,"nn_us":30250,"overruns":0}'
)
RATE = 16_000
CHUNK_BYTES = 200  # a reply takes many reads, as on a serial line


class AtBoard:
    """Records a ramp of the requested length, and predicts the same again and again from `r` to `b`.

    `fails` is what it reports in place of a recording.
    """

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
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
            self._out += f"{INFO}\r\n".encode() if name == "?" else b'{"eitk":1,"state":"running"}\r\n'
            return
        self.predictions = None
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
