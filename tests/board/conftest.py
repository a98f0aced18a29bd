"""Fixtures: a project with a tiny library, virtual boards that are stopped after the test, and a simulated board."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import eitk

from ei_toolkit.board.boards.registry import virtual_boards
from ei_toolkit.board.flash.usb import UsbFlasher, UsbTimeouts
from ei_toolkit.board.transport.ports import UsbPort
from ei_toolkit.board.transport.serial_port import Usb, open_port, touch
from ei_toolkit.config.boards import NANO33BLE

SIMULATOR = Path(__file__).parent / "simulated_board.py"
TINY = Path(__file__).parent / "tiny_library" / "Tiny_inferencing"


@dataclass
class Project:
    """A project folder and the output of the last command."""

    root: Path
    stdout: str = ""
    stderr: str = ""

    def eitk(self, *arguments: str) -> int:
        code, self.stdout, self.stderr = eitk(self.root, *arguments, environ={"NO_COLOR": "1"})
        return code

    @property
    def boards(self) -> Path:
        return self.root / ".eitk" / "boards"


@pytest.fixture
def tiny() -> Path:
    """A library of a few lines with Edge Impulse's public names."""
    return TINY


def pin(project: Project, tflite: bytes) -> None:
    """Package a model with the project's blocks and pin it, as `eitk build` does."""
    from ei_toolkit.config import load_config
    from ei_toolkit.config.lockfile import Lock, write_lock
    from ei_toolkit.eon.library import LibraryDspBlock, LibraryRequest, package

    settings = load_config(project.root, {}).settings
    blocks = tuple(
        LibraryDspBlock(number, block.type, block.implementation_version, dict(block.params))
        for number, block in enumerate(settings.impulse.dsp, 2)
    )
    request = LibraryRequest("Tunes", 1, "tests", 1, ("classical", "rock"), tflite, 48000, 16000.0, blocks)
    info = package(request, project.root)
    (project.root / "model.tflite").write_bytes(tflite)
    zip_name = str(info.path.relative_to(project.root))
    lock = Lock(1, 1, "tflite-eon", "int8", "arduino", zip_name, info.sha256, "model.tflite", info.model_sha256, "now")
    write_lock(project.root / "eitk.lock", lock)


@pytest.fixture
def pinned_project(project: Project) -> Project:
    """A project whose eitk.lock pins a real library: the robust recipe's MFE and a small network."""
    pin(project, (Path(__file__).parent / "models" / "mfe_int8.tflite").read_bytes())
    return project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project with the recipe `robust`; its virtual boards are stopped after the test."""
    made = Project(tmp_path)
    assert made.eitk("init", "--recipe", "robust") == 0
    yield made
    for virtual in virtual_boards():
        virtual.stop(made.boards)


@pytest.fixture(params=["host", pytest.param("emulated", marks=pytest.mark.arm)])
def board(request: pytest.FixtureRequest) -> str:
    """Each virtual board in turn; the emulated one only if its tools are installed."""
    import shutil

    if request.param == "emulated" and not (shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-g++")):
        pytest.skip("the ARM compiler and QEMU are not installed")
    return str(request.param)


class ScriptedLink:
    """A line whose board sends the given pieces one after another, then nothing, or loses the connection.

    `answers` maps bytes that are written to pieces that are sent then.
    """

    def __init__(self, *pieces: bytes | Exception, answers: Mapping[bytes, bytes] | None = None) -> None:
        self.pieces = list(pieces)
        self.answers = dict(answers or {})
        self.written = b""
        self.acknowledged = 0
        self.is_closed = False

    def read(self, timeout: float) -> bytes:
        if not self.pieces:
            time.sleep(min(timeout, 0.002))
            return b""
        piece = self.pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        return piece

    def write(self, data: bytes) -> None:
        self.written += data
        for command, answer in self.answers.items():
            if self.written.endswith(command):
                self.pieces.append(answer)

    def put_back(self, data: bytes) -> None:
        if data:
            self.pieces.insert(0, data)

    def acknowledge(self, lines: int) -> None:
        self.acknowledged += lines

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def scripted() -> type[ScriptedLink]:
    """The line of a board that follows a script."""
    return ScriptedLink


class Bench:
    """A simulated board on USB, and access to its ports and its flash."""

    def __init__(self, folder: Path, switches: tuple[str, ...]) -> None:
        self.folder = folder
        self.messages: list[str] = []
        self.program = subprocess.Popen([sys.executable, str(SIMULATOR), str(folder), *switches])
        self.await_port()

    def await_port(self) -> None:
        deadline = time.monotonic() + 5
        while not self.ports() and time.monotonic() < deadline:
            time.sleep(0.01)

    def ports(self) -> list[UsbPort]:
        file = self.folder / "ports.json"
        listed = json.loads(file.read_text()) if file.exists() else []
        return [UsbPort(board="nano33ble", vid=0x2341, **port) for port in listed]

    def flasher(self, timeouts: UsbTimeouts) -> UsbFlasher:
        return UsbFlasher(NANO33BLE, Usb(self.ports, open_port, touch), self.messages.append, timeouts=timeouts)

    def holds(self, image: bytes) -> bool:
        flash = (self.folder / "flash.bin").read_bytes()
        return flash[: len(image)] == image and set(flash[len(image) :]) <= {0xFF}

    def stop(self) -> None:
        self.program.terminate()
        self.program.wait()


@pytest.fixture
def simulate(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    benches: list[Bench] = []

    def start(*switches: str) -> Bench:
        folder = tmp_path / str(len(benches))
        folder.mkdir()
        benches.append(Bench(folder, switches))
        return benches[-1]

    yield start
    for bench in benches:
        bench.stop()
