"""`eitk connect` with a virtual board: a recording of its microphone that the studio requests lands in the project."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running_studio import RunningStudio
from support import eitk

from ei_toolkit.board.boards.registry import virtual_board_named

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


def test_a_recording_that_the_studio_requests_lands_in_the_project(
    project: Any, tiny: Path, studio: RunningStudio
) -> None:
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
        microphone = virtual_board_named("host").microphone(project.boards)
        while thread.is_alive():  # what is played before the recording begins is lost
            microphone.stream_pcm(NOISE, restart=False)
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
