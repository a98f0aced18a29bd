"""A virtual board as a device of a studio: with `eitk connect`, and with the dialogue of Edge Impulse's daemon."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from official_daemon import RECORDED, fill, pattern
from running_studio import RunningStudio
from support import eitk

from ei_toolkit.audio.acquisition import read_acquisition
from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.board.boards.registry import virtual_board_named
from ei_toolkit.board.emulator.lifecycle import running_state
from ei_toolkit.board.transport.link import PROMPT, EmulatorLink
from ei_toolkit.config.settings import BoardSettings
from ei_toolkit.impulse.decision import smoothed, stable_labels

CALIBRATED = {"threshold": 0.62, "smoothing": 3, "hold_ms": 1000}  # as eitk calibrate writes them
NOISE = np.random.default_rng(4).integers(-30_000, 30_000, 64_000).astype(np.int16)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[RunningStudio]:
    running = RunningStudio(tmp_path / "studio")
    yield running
    running.stop()


def connected_device(studio: RunningStudio, seconds: float = 60) -> dict[str, Any]:
    """Wait until a device is connected."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for device in studio.call("GET", "/devices")["devices"]:
            if device["remoteMgmtMode"] == "ingestion":
                return device
        time.sleep(0.01)
    raise AssertionError("no device is connected")


def test_a_calibrated_board_records_for_a_studio_and_for_the_official_daemon_and_decides_as_python_does(
    project: Any, tiny: Path, studio: RunningStudio
) -> None:
    for key, value in CALIBRATED.items():
        assert project.eitk("config", "set", f"board.{key}", str(value)) == 0, project.stderr
    assert project.eitk("flash", "--board", "host", "--library", str(tiny)) == 0, project.stderr
    endpoint = studio.endpoint()
    addresses = (
        f"studio.url={endpoint.api_url}", f"studio.ingestion_url={endpoint.ingestion_url}",
        f"studio.remote_management_url={endpoint.remote_management_url}",
    )  # fmt: skip
    options = [word for address in addresses for word in ("-o", address)]
    command = (*options, "connect", "--board", "host", "--count", "1", "--for", "90s", "--json")
    outcome: list[Any] = []
    environ = {"EI_API_KEY": studio.key}
    thread = threading.Thread(target=lambda: outcome.append(eitk(project.root, *command, environ=environ)))
    thread.start()
    try:
        device = connected_device(studio)
        assert (device["deviceType"], device["sensors"][0]["name"]) == ("ARDUINO_NANO33BLE", "Built-in microphone")
        wanted = {"label": "noise", "lengthMs": 1000, "category": "training", "intervalMs": 0.0625}
        assert studio.call("POST", f"/device/{device['deviceId']}/start-sampling", json=wanted)["success"]
        (project.root / "noise.wav").write_bytes(wav_bytes(NOISE, 16_000))
        while thread.is_alive():  # what is played before the recording begins is lost
            assert project.eitk("play", "noise.wav", "--board", "host", "--no-restart") == 0, project.stderr
            thread.join(0.2)
        [done] = outcome
        assert done.code == 0, done.err
        sample = studio.call("GET", f"/raw-data/{json.loads(done.out)['sample']}")
        assert (sample["sample"]["label"], sample["sample"]["totalLengthMs"]) == ("noise", 1000)
        assert sample["payload"]["device_name"] == device["deviceId"]
        recorded = [row[0] for row in sample["payload"]["values"]]
        assert any(np.array_equal(recorded, NOISE[start : start + 16_000]) for start in range(len(NOISE) - 15_999))
    finally:
        thread.join(100)
    replay_official_daemon(project)
    check_calibrated_decisions(project)


def check_calibrated_decisions(project: Any) -> None:
    """Compare the labels that the same board recognises with those that Python computes from its scores."""
    random = np.random.default_rng(1)
    noise, hum = random.integers(-3000, 3000, 4000), 3000 * np.sin(np.arange(4000) * 0.05)
    parts = [noise if each else hum for each in np.repeat(random.random(16) < 0.5, random.integers(2, 12, 16))]
    clip = project.root / "clip.wav"
    clip.write_bytes(wav_bytes(np.concatenate(parts).astype(np.int16), 16_000))
    link = EmulatorLink(running_state(project.boards, "host").serial_port)
    link.write(b"r\n")
    link.close()
    assert project.eitk("play", "--board", "host", str(clip)) == 0, project.stderr
    assert project.eitk("tail", "--board", "host", "--for", "3s", "--json") == 0, project.stderr
    events = [json.loads(line) for line in project.stdout.splitlines()]
    predictions = [event for event in events if event["event"] == "prediction"]
    first = max(place for place, event in enumerate(predictions) if event["end"] == 48_000)
    own = predictions[first:]
    assert len(own) > 15 and np.diff([event["end"] for event in own]).tolist() == [8000] * (len(own) - 1)
    board = replace(BoardSettings(), **CALIBRATED)
    scores = np.array([[event["scores"][label] for label in ("classical", "rock")] for event in own], np.float32)
    means = smoothed((np.round(scores * 256) / 256).astype(np.float32), board.smoothing)
    labels = stable_labels(means, board.threshold, board.hysteresis, board.hold_windows)
    assert [event["winner"] for event in own] == [("classical", "rock", "uncertain")[label] for label in labels]
    assert len(set(labels)) == 3


def replay_official_daemon(project: Any) -> None:
    """Send the commands of Edge Impulse's daemon to the same board; each reply is as that program received it."""
    link = EmulatorLink(running_state(project.boards, "host").serial_port)
    microphone = virtual_board_named("host").microphone(project.boards)
    values = {"key": "ei_0123", "hmac key": "0" * 32}
    try:
        for step in RECORDED["serial"]:
            link.write(fill(step["command"], values).encode())
            reply = read_reply(link, lambda: microphone.stream_pcm(NOISE, restart=False))
            if "READBUFFER" in step["command"]:
                content = read_acquisition(base64.b64decode("".join(reply.removesuffix("> ").split())), "cbor")
                assert (len(content.values), content.interval_ms) == (16_000, 0.0625)
                continue
            if step["command"] == "b\r":
                reply = reply[reply.index("\r\n\r\n") + 2 :]  # behind what the board had printed before
            assert pattern(step["reply"]).fullmatch(reply), (step["command"], reply)
            if found := re.search(r"File name: /fs/(\S+).*to=(\d+)", reply, re.DOTALL):
                values |= {"file": found[1], "bytes": found[2]}
    finally:
        link.close()
    assert values["file"] == "noise.2.cbor"  # after the one of eitk connect


def read_reply(link: EmulatorLink, play: Callable[[], None], seconds: float = 30) -> str:
    """Return what the board sends up to its prompt; `play` is called when it has begun to record."""
    data, end = b"", time.monotonic() + seconds
    while not data.endswith(b"\r\n" + PROMPT):
        assert time.monotonic() < end, data
        new = link.read(0.1)
        link.acknowledge(new.count(b"\n") + new.endswith(PROMPT))
        if b"Sampling..." in data + new and b"Sampling..." not in data:
            play()
        data += new
    return data.decode()
