"""The AT commands of Edge Impulse's firmware: settings, recordings, and replies that are not in their form."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from ei_toolkit.board.protocol import at_client
from ei_toolkit.board.protocol.at_client import STAGES, AtClient, AtSensor, parse_config
from ei_toolkit.board.transport.link import LinkLost
from ei_toolkit.errors import BoardError

CONFIG = """
===== Device info =====
ID:         E4:9B:7C:01:02:03
Type:       ARDUINO_NANO33BLE
AT Version: 1.8.0
Data Transfer Baudrate: 115200

===== Sensors =====
Name: Built-in microphone, Max sample length: 3s, Frequencies: [16000.00Hz]
Name: Built-in accelerometer, Max sample length: 1200s, Frequencies: [62.50Hz, 100.00Hz]

===== Something new =====
Key: value

===== Sampling parameters =====
Label:      rock
Interval:   0.06 ms.

===== Upload settings =====
Api Key:    ei_0123
Path:       /api/training/data

===== Remote management =====
URL:        ws://127.0.0.1:4802
"""
DATA = bytes(range(256)) * 4
SAMPLED = (
    "\r\nStarting in 0 ms...\r\nSampling...\r\nDone sampling, total samples collected: 16\r\nProcessing...\r\n"
    "Done processing\r\nUploading...\r\nFile name: /fs/rock.1.cbor\r\n"
    f"Not uploading file, not connected to WiFi. Used buffer, from=0, to={len(DATA)}."
)


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONNECT_TIMEOUT_S", "ANSWER_TIMEOUT_S"):
        monkeypatch.setattr(at_client, name, 0.02)
    monkeypatch.setattr(at_client, "CHUNK_PAUSE_S", 0)


def client(scripted: Callable[..., Any], **replies: str) -> tuple[AtClient, Any]:
    """A client of a board that gives these replies; the prompt follows each of them."""
    names = {"SAMPLESETTINGS": "\r\nOK"} | replies
    answers = {b"b\r": b"\r\n> "}
    link = scripted(answers=answers)
    write = link.write

    def answer(data: bytes) -> None:
        write(data)
        line = link.written.rpartition(b"AT+")[2]
        name = line.partition(b"=")[0].strip(b"?\r").decode()
        if data.endswith(b"\r") and name in names:
            text = (names[name] + "\r\n> ").encode()
            link.pieces += [text[i : i + 100] for i in range(0, len(text), 100)]

    link.write = answer
    return AtClient(link), link


def test_the_configuration(scripted: Callable[..., Any]) -> None:
    at, link = client(scripted, CONFIG=CONFIG)
    at.connect()
    config = at.config()
    assert (config.device_id, config.device_type, config.version) == (
        "E4:9B:7C:01:02:03",
        "ARDUINO_NANO33BLE",
        (1, 8, 0),
    )
    assert config.sensors == (
        AtSensor("Built-in microphone", 3, (16000,)),
        AtSensor("Built-in accelerometer", 1200, (62.5, 100)),
    )
    assert (config.label, config.api_key, config.upload_path) == ("rock", "ei_0123", "/api/training/data")
    assert config.management_url == "ws://127.0.0.1:4802"
    assert link.written == b"b\rAT+CONFIG?\r"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the board sent no configuration"),
        (CONFIG.replace("1.8.0", "one"), "the board sent no configuration .AT Version: 'one'"),
        (CONFIG.replace("[16000.00Hz]", "[fast]"), "a sensor in an unknown form .Name: Built-in microphone"),
        (CONFIG.replace("[16000.00Hz]", "[1.2.3Hz]"), "a sensor in an unknown form"),
        (CONFIG.replace("Max sample length: 3s", "Max sample length: long"), "a sensor in an unknown form"),
    ],
)
def test_a_configuration_that_is_not_in_the_form(text: str, message: str) -> None:
    with pytest.raises(BoardError, match=message):
        parse_config(text)


def test_a_recording_is_read_from_the_buffer(scripted: Callable[..., Any]) -> None:
    lines = base64.encodebytes(DATA).decode().replace("\n", "\r\n")
    at, link = client(scripted, SAMPLESTART=SAMPLED, READBUFFER="\r\n" + lines)
    stages, progress = list[str](), list[tuple[int, int]]()
    made = at.sample(
        "rock", 0.0625, 1, "Built-in microphone", on_stage=stages.append, on_bytes=lambda *of: progress.append(of)
    )
    assert (made.file_name, made.data) == ("rock.1.cbor", DATA)
    assert tuple(stages) == STAGES
    assert progress[-1][0] >= progress[-1][1] == 1368
    assert b"AT+SAMPLESETTINGS=rock,0.0625,1,\r" in link.written and b"AT+READBUFFER=0,1024,n\r" in link.written


@pytest.mark.parametrize(
    ("replies", "message"),
    [
        ({"SAMPLESETTINGS": "\r\nERR: full"}, "did not accept SAMPLESETTINGS .full"),
        ({"SAMPLESTART": "\r\nERR: Failed to start sampling"}, "did not record .Failed to start sampling"),
        ({"SAMPLESTART": "\r\nSampling..."}, "did not record"),
        ({"SAMPLESTART": SAMPLED.replace(f"to={len(DATA)}", "to=999999999")}, "offers 999,999,999 bytes of a buffer"),
        ({"SAMPLESTART": SAMPLED, "READBUFFER": "\r\nERR: the buffer has 0 bytes"}, "sent a damaged buffer"),
        ({"SAMPLESTART": SAMPLED, "READBUFFER": "\r\nAAAA"}, "sent 3 of 1,024 bytes"),
    ],
)
def test_a_board_that_does_not_record(scripted: Callable[..., Any], replies: dict[str, str], message: str) -> None:
    with pytest.raises(BoardError, match=message):
        client(scripted, **replies)[0].sample("rock", 0.0625, 1, "Built-in microphone")


def test_a_board_that_does_not_answer(scripted: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BoardError, match=r"the board did not answer b within 0\.02 s"):
        AtClient(scripted()).connect()
    with pytest.raises(BoardError, match=r"the connection to the board was lost .unplugged"):
        AtClient(scripted(LinkLost("unplugged"))).connect()
    with pytest.raises(BoardError, match=r"the board does not know the command AT\+X"):
        client(scripted, X="\r\nNot a valid AT command")[0].command("AT+X")
    monkeypatch.setattr(at_client, "MAX_REPLY_BYTES", 1000)
    with pytest.raises(BoardError, match="longer than 1,000 bytes"):
        AtClient(scripted(b"x" * 1001)).connect()


@pytest.mark.parametrize("label", ["größe", "a\rAT+CLEARCONFIG", "a\n"])
def test_a_command_is_one_line_of_ascii(scripted: Callable[..., Any], label: str) -> None:
    at, link = client(scripted)
    with pytest.raises(BoardError, match="characters that a board does not take"):
        at.set_value("SAMPLESETTINGS", label, "0.0625", "1", "")
    assert link.written == b""
