"""A client for the AT commands of Edge Impulse's firmware and of eitk's sketch: settings, and buffered recordings.

What the board sends is not trusted: a reply has a limit of time and of length, and every value in it is checked.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from ei_toolkit.board.protocol.at_firmware import CHUNK_BYTES, CHUNK_PAUSE_S
from ei_toolkit.board.transport.link import PROMPT, Link, LinkLost, lost_connection
from ei_toolkit.errors import BoardError

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 0.1
READ_BYTES_PER_S = 1000  # slowest acceptable transfer
MAX_REPLY_BYTES = 4 * 2**20
MAX_BUFFER_BYTES = 2 * 2**20
SECTION = re.compile(r"=+ (?P<name>[A-Za-z ]{1,40}) =+")
SENSOR = re.compile(
    r"Name: ?(?P<name>[^,]{1,80}), ?Max sample length: ?(?P<seconds>\d{1,6}(?:\.\d{1,3})?)s ?,"
    r" ?Frequencies: ?\[(?P<frequencies>[\d.Hz, ]{0,200})\] ?"
)
USED_BUFFER = re.compile(r"Used buffer, from=(\d{1,9}), to=(\d{1,9})")
FILE_NAME = re.compile(r"File name: (\S[^\r\n]{0,200})")
FAILURE = re.compile(r"ERR: ?([^\r\n]{0,200})")
STAGES = ("Sampling...", "Done sampling", "Processing...", "Done processing", "Uploading...")
"""The texts that a board prints during a recording, in their order."""


@dataclass(frozen=True)
class AtSensor:
    """A sensor of the board: the longest recording in seconds and the frequencies in Hz."""

    name: str
    max_length_s: float
    frequencies: tuple[float, ...]


@dataclass(frozen=True)
class AtConfig:
    """The reply to AT+CONFIG?: the values that eitk uses. `version` is that of the command set."""

    device_id: str
    device_type: str
    version: tuple[int, ...]
    sensors: tuple[AtSensor, ...]
    label: str
    api_key: str
    upload_path: str
    upload_host: str
    management_url: str


@dataclass(frozen=True)
class AtRecording:
    """A recording of the buffer: a file in the data acquisition format (CBOR), and the name that the board gave it."""

    file_name: str
    data: bytes


class AtClient:
    """Sends commands, one at a time, and returns their replies. Every method raises BoardError."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def connect(self) -> None:
        """Stop what the board does, and wait for the prompt."""
        self._write(b"b\r")
        self._reply("b", CONNECT_TIMEOUT_S)

    def command(self, text: str, timeout_s: float = ANSWER_TIMEOUT_S) -> str:
        """Send a command without its end of line; return the text of the reply."""
        self._check(text)
        data = f"{text}\r".encode("ascii")
        for start in range(0, len(data), CHUNK_BYTES):
            self._write(data[start : start + CHUNK_BYTES])
            time.sleep(CHUNK_PAUSE_S)
        reply = self._reply(text, timeout_s)
        if "Not a valid AT command" in reply:
            raise BoardError(f"the board does not know the command {text.partition('=')[0]}")
        return reply

    def config(self) -> AtConfig:
        """Read the configuration of the board."""
        return parse_config(self.command("AT+CONFIG?"))

    def set_value(self, name: str, *values: str) -> None:
        """Set DEVICEID, UPLOADSETTINGS, UPLOADHOST, MGMTSETTINGS or SAMPLESETTINGS."""
        reply = self.command(f"AT+{name}={','.join(values)}")
        if "OK" not in reply:
            raise BoardError(f"the board did not accept {name}", why=_failure(reply))

    def sample(
        self,
        label: str,
        interval_ms: float,
        length_ms: int,
        sensor: str,
        hmac_key: str = "",
        *,
        on_stage: Callable[[str], None] = lambda _: None,
        on_bytes: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> AtRecording:
        """Record to the buffer of the board and read it. Edge Impulse's firmware signs the recording with `hmac_key`.

        `on_stage` gets each of STAGES as it arrives, `on_bytes` the bytes of text that have been read and all of them.
        """
        self.set_value("SAMPLESETTINGS", label, f"{interval_ms:g}", str(length_ms), hmac_key)
        reported = 0

        def report(reply: bytearray) -> None:
            nonlocal reported
            while reported < len(STAGES) and STAGES[reported].encode() in reply:
                on_stage(STAGES[reported])
                reported += 1

        command = f"AT+SAMPLESTART={sensor}"
        self._write(f"{command}\r".encode("ascii"))
        reply = self._reply(command, 3 * (length_ms / 1000 + 3), report)
        name, used = FILE_NAME.search(reply), USED_BUFFER.search(reply)
        if "ERR:" in reply or name is None or used is None:
            raise BoardError("the board did not record", why=_failure(reply))
        start, end = int(used[1]), int(used[2])
        return AtRecording(name[1].rpartition("/")[2], self.read_buffer(start, end, on_bytes))

    def read_buffer(
        self, start: int, end: int, on_bytes: Callable[[int, int], None] = lambda _done, _total: None
    ) -> bytes:
        """Read bytes `start` to `end` of the board's buffer."""
        count = end - start
        if not 0 < count <= MAX_BUFFER_BYTES:
            raise BoardError(f"the board offers {count:,} bytes of a buffer", hint="Flash it again: eitk flash")
        command = f"AT+READBUFFER={start},{end},n"
        self._write(f"{command}\r".encode("ascii"))
        total = (count + 2) // 3 * 4
        reply = self._reply(
            command, ANSWER_TIMEOUT_S + total / READ_BYTES_PER_S, lambda reply: on_bytes(len(reply), total)
        )
        try:
            data = base64.b64decode("".join(reply.split()), validate=True)
        except binascii.Error:
            raise BoardError("the board sent a damaged buffer", why=_failure(reply), hint="Record again.") from None
        if len(data) != count:
            raise BoardError(f"the board sent {len(data):,} of {count:,} bytes of its buffer", hint="Record again.")
        return data

    def _check(self, text: str) -> None:
        if not text.isascii() or not text.isprintable():
            raise BoardError(f"the command {text[:80]!r} has characters that a board does not take")

    def _write(self, data: bytes) -> None:
        try:
            self._link.write(data)
        except LinkLost as error:
            raise lost_connection(error) from None

    def _reply(self, command: str, timeout_s: float, on_data: Callable[[bytearray], None] = lambda _: None) -> str:
        """Read until the prompt; return what is in front of it. `on_data` gets what has arrived so far."""
        data = bytearray()
        deadline = time.monotonic() + timeout_s
        while not data.endswith(PROMPT):
            if time.monotonic() > deadline:
                raise BoardError(
                    f"the board did not answer {command.partition('=')[0]} within {timeout_s:g} s",
                    why="it runs another sketch, or none",
                    hint="Flash it again: eitk flash",
                )
            data += self._read()
            if len(data) > MAX_REPLY_BYTES:
                raise BoardError(f"the reply to {command.partition('=')[0]} is longer than {MAX_REPLY_BYTES:,} bytes")
            on_data(data)
        return data[: -len(PROMPT)].decode("ascii", errors="replace").strip()

    def _read(self) -> bytes:
        try:
            data = self._link.read(READ_TIMEOUT_S)
            entries = data.count(b"\n") + data.endswith(PROMPT)
            if entries:
                self._link.acknowledge(entries)
        except LinkLost as error:
            raise lost_connection(error) from None
        return data


def parse_config(text: str) -> AtConfig:
    """Parse the reply to AT+CONFIG?. Sections and keys that are not known are ignored.

    Raises BoardError if there is no device information, or a sensor in an unknown form.
    """
    values: dict[tuple[str, str], str] = {}
    sensors: list[AtSensor] = []
    section = ""
    for line in filter(None, (line.strip() for line in text.splitlines())):
        if found := SECTION.fullmatch(line):
            section = found["name"].lower()
        elif section == "sensors":
            sensors.append(_sensor(line))
        else:
            key, _, value = line.partition(":")
            values.setdefault((section, key.lower()), value.strip())
    version = values.get(("device info", "at version"), "")
    if not re.fullmatch(r"\d{1,4}(?:\.\d{1,4}){0,3}", version):
        raise BoardError("the board sent no configuration", why=f"AT Version: {version[:40]!r}")

    def of(section: str, key: str) -> str:
        return values.get((section, key), "")

    return AtConfig(
        device_id=of("device info", "id"),
        device_type=of("device info", "type"),
        version=tuple(map(int, version.split("."))),
        sensors=tuple(sensors),
        label=of("sampling parameters", "label"),
        api_key=of("upload settings", "api key"),
        upload_path=of("upload settings", "path"),
        upload_host=of("upload settings", "host"),
        management_url=of("remote management", "url"),
    )


def _sensor(line: str) -> AtSensor:
    found = SENSOR.fullmatch(line)
    try:
        if found is None:
            raise ValueError
        parts = found["frequencies"].replace("Hz", "").split(",")
        return AtSensor(found["name"].strip(), float(found["seconds"]), tuple(float(part) for part in parts))
    except ValueError:
        raise BoardError("the board describes a sensor in an unknown form", why=line[:200]) from None


def _failure(reply: str) -> str:
    found = FAILURE.search(reply)
    return found[1] if found else reply[:200]
