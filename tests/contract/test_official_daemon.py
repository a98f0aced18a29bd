"""Edge Impulse's daemon, unmodified: it registers a virtual board and records what the official client requests.

It is used where `edge-impulse-daemon` is installed, or where EITK_EDGE_IMPULSE_CLI names a folder of its sources that
were compiled (CONTRIBUTING.md has the commands). The daemon lists the ports that `udevadm` reports, so a script of this
name reports a pseudo-terminal, behind which the board is.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pty_bridge import PtyBridge
from running_studio import RunningStudio
from support import eitk

from ei_toolkit.board.boards.registry import virtual_board_named
from ei_toolkit.board.emulator.lifecycle import running_state

PORTS = (4800, 4810, 4802)  # the daemon has no way to choose others
TINY = Path(__file__).parents[1] / "board" / "tiny_library" / "Tiny_inferencing"
NOISE = np.random.default_rng(4).integers(-30_000, 30_000, 64_000).astype(np.int16)
UDEVADM = "#!/bin/sh\nprintf 'P: /devices/x\\nN: {name}\\nE: DEVNAME={path}\\nE: ID_VENDOR_ENC=Arduino\\n\\n'\n"


@pytest.fixture(scope="module")
def daemon() -> list[str]:
    """The command of the daemon."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    sources = os.environ.get("EITK_EDGE_IMPULSE_CLI", "")
    if sources:
        return ["node", str(Path(sources) / "build" / "cli" / "daemon.js")]
    if installed := shutil.which("edge-impulse-daemon"):
        return [installed]
    pytest.skip("edge-impulse-daemon is not installed, and EITK_EDGE_IMPULSE_CLI is not set")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[RunningStudio]:
    for port in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                pytest.skip(f"port {port} is in use")
    running = RunningStudio(tmp_path / "studio", PORTS)
    yield running
    running.stop()


@pytest.fixture(params=["host", pytest.param("emulated", marks=pytest.mark.arm)])
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A virtual board that runs the sketch."""
    name = str(request.param)
    assert eitk(tmp_path, "init", "--recipe", "robust").code == 0
    done = eitk(tmp_path, "flash", "--board", name, "--library", str(TINY))
    assert done.code == 0, done.err
    yield name
    virtual_board_named(name).stop(tmp_path / ".eitk" / "boards")


class Terminal:
    """A program in a terminal of its own; it accepts each name that it proposes."""

    def __init__(self, command: list[str], environ: dict[str, str], folder: Path) -> None:
        self._master, slave = os.openpty()
        self.text = ""
        self.process = subprocess.Popen(
            command, env=environ, cwd=folder, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 4096).decode(errors="replace")
            except OSError:
                return
            self.text += data
            if "What name do you want" in data:
                os.write(self._master, b"\r")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)


def wait_for(condition: Callable[[], Any], terminal: Terminal, seconds: float = 120) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, terminal.text
        time.sleep(0.1)
    return found


def test_the_official_daemon_registers_the_board_and_records(
    daemon: list[str], board: str, studio: RunningStudio, tmp_path: Path
) -> None:
    boards = tmp_path / ".eitk" / "boards"
    bridge = PtyBridge(tmp_path, running_state(boards, board).serial_port)
    tools, home = tmp_path / "bin", tmp_path / "home"
    tools.mkdir()
    home.mkdir()
    script = tools / "udevadm"
    script.write_text(UDEVADM.format(name=str(bridge.path).lstrip("/"), path=bridge.path))
    script.chmod(0o755)
    environ = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(home), "EI_HOST": "127.0.0.1",
               "NO_PROXY": "127.0.0.1,localhost"}  # fmt: skip
    terminal = Terminal([*daemon, "--api-key", studio.key], environ, home)
    ends = threading.Event()
    player = threading.Thread(target=play, args=(boards, board, ends))
    try:
        wait_for(lambda: "is now connected to project" in terminal.text, terminal)
        [device] = studio.call("GET", "/devices")["devices"]
        assert (device["deviceType"], device["remoteMgmtMode"]) == ("ARDUINO_NANO33BLE", "ingestion")
        start_sampling(studio, device["deviceId"])
        player.start()
        [sample] = wait_for(lambda: studio.call("GET", "/raw-data?category=training")["samples"], terminal)
        assert (sample["label"], sample["totalLengthMs"]) == ("noise", 1000)
        values = studio.call("GET", f"/raw-data/{sample['id']}")["payload"]["values"]
        recorded = [row[0] for row in values]
        assert any(np.array_equal(recorded, NOISE[start : start + 16_000]) for start in range(len(NOISE) - 15_999))
    finally:
        ends.set()
        terminal.end()
        if player.is_alive():
            player.join()
        bridge.close()


def start_sampling(studio: RunningStudio, device: str) -> None:
    import edgeimpulse_api as ea

    endpoint = studio.endpoint()
    client = ea.ApiClient(ea.Configuration(host=endpoint.api_url, api_key={"ApiKeyAuthentication": studio.key}))
    wanted = ea.StartSamplingRequest(label="noise", lengthMs=1000, category="training", intervalMs=0.0625)
    assert ea.DevicesApi(client).start_sampling(1, device, wanted).id


def play(boards: Path, board: str, ends: threading.Event) -> None:
    """Play noise to the microphone again and again; what is played before the recording begins is lost."""
    microphone = virtual_board_named(board).microphone(boards)
    assert microphone
    while not ends.wait(0.2):
        microphone.stream_pcm(NOISE, restart=False)
