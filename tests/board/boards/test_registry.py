"""A new board needs one class with its data: every command then accepts it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ei_toolkit.board.board import Board, BoardContext, FlashedBoard, FoundBoard
from ei_toolkit.board.boards.registry import all_boards, boards_by_name, register
from ei_toolkit.board.boards.virtual import VirtualBoard
from ei_toolkit.board.emulator.build import Target
from ei_toolkit.board.flash.deployment import FlashRequest
from ei_toolkit.board.flash.image import BuiltImage
from ei_toolkit.board.flash.usb import UsbFlasher
from ei_toolkit.board.transport.ports import UsbPort, choose
from ei_toolkit.board.transport.watch import Source, usb_source
from ei_toolkit.config.boards import BOARDS, BoardSpec, board_choice
from ei_toolkit.config.project import bundled
from ei_toolkit.eon import toolchain
from ei_toolkit.errors import BoardError

LINE = (
    '{"eitk":1,"seq":SEQ,"end":48000,"model":"0123456789ab","scores":{"classical":0.25,"rock":0.75},'
    '"winner":"rock","led":"red","dsp_us":9,"nn_us":2,"overruns":0}'
)


class OptimisedHost(VirtualBoard):
    """A virtual board: the host program, compiled with another flag."""

    spec = BoardSpec(name="optimised", title="optimised host program", virtual=True, warmup_buffers=3)

    def target(self) -> Target:
        compiler = toolchain.host_compiler()
        hal = bundled("firmware") / "boards" / "host" / "hal.cpp"
        return Target(compiler, compiler, toolchain.host_size(), flags=("-O3",), sources=(hal,))

    def command(self, image: Path) -> Sequence[str]:
        return (str(image), "{serial}", "{microphone}")


class SimulatedUsbBoard(Board):
    """A board on USB: the simulated board on a pty. Its image contains the library's hash, and nothing is compiled."""

    spec = BoardSpec(
        name="simulated",
        title="simulated board",
        virtual=False,
        flash_bytes=100_000,
        usb_ids={(0x2341, 0x1111): "application", (0x2341, 0x2222): "bootloader"},
    )

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def ports(self) -> list[UsbPort]:
        return [replace(port, board=self.name) for port in self.bench.ports()]

    def find(self, boards: Path, ports: Sequence[UsbPort]) -> list[FoundBoard]:
        return [FoundBoard(self.name, port.device, port.state, details=asdict(port)) for port in self.ports()]

    def build(self, context: BoardContext, request: FlashRequest) -> BuiltImage:
        folder = context.paths.boards / self.name
        library, sketch = self.prepare(context, request, folder)
        data = library.model_sha256.encode() + sketch.main.read_bytes()
        path = folder / "image.bin"
        path.write_bytes(data)
        return BuiltImage(self.name, path, len(data), None, library.model_sha256, hashlib.sha256(data).hexdigest())

    def flash(self, context: BoardContext, request: FlashRequest) -> FlashedBoard:
        built = self.build(context, request)
        usb = replace(context.usb, ports=self.ports)
        port = UsbFlasher(self.spec, usb, context.note, context.advance).flash(built.path.read_bytes(), "auto")
        return FlashedBoard(self.name, port.device, built, "test")

    def source(self, context: BoardContext) -> Source:
        return usb_source(choose(self.ports(), context.settings.board.port, self.spec), self.ports)

    def microphone(self, boards: Path) -> None:
        return None

    def stop(self, boards: Path) -> bool:
        raise BoardError(f"{self.name} does not run on this machine")

    def check_port(self, port: str | None) -> None:
        pass

    def check_request(self, request: FlashRequest) -> None:
        pass

    def flash_target(self, context: BoardContext) -> tuple[str, bool]:
        return choose(self.ports(), context.settings.board.port, self.spec).device, True


@pytest.fixture
def add_board() -> Iterator[Callable[[Board], None]]:
    """Register boards for the duration of a test."""
    added: list[str] = []

    def add(board: Board) -> None:
        register(board)
        added.append(board.name)

    yield add
    for name in added:
        del BOARDS[name], boards_by_name[name]


def test_every_accepted_name_has_a_class_and_its_data() -> None:
    assert [board.name for board in all_boards()] == list(BOARDS) == ["nano33ble", "emulated", "host"]
    assert all(BOARDS[board.name] is board.spec for board in all_boards())
    assert board_choice() == "nano33ble, emulated or host"


def test_a_new_virtual_board_is_flashed_listed_read_and_stopped(
    project: Any, tiny: Path, add_board: Callable[[Board], None]
) -> None:
    board = OptimisedHost()
    assert project.eitk("flash", "--board", "optimised", "--library", str(tiny)) == 2
    assert "nano33ble, emulated, host" in project.stderr
    add_board(board)
    config = project.root / "eitk.toml"
    config.write_text(config.read_text().replace('name = "nano33ble"', 'name = "optimised"'))
    try:
        assert project.eitk("flash", "--library", str(tiny), "--json") == 0, project.stderr
        flashed = json.loads(project.stdout)
        assert project.eitk("boards", "--json") == 0
        [listed] = json.loads(project.stdout)
        assert (listed["board"], listed["port"], listed["state"]) == ("optimised", flashed["port"], "running")
        board.microphone(project.boards).stream_pcm(_noise(5))
        assert project.eitk("tail", "--json", "--count", "3") == 0, project.stderr
        events = [json.loads(line) for line in project.stdout.splitlines()]
        assert [event["end"] for event in events if event["event"] == "prediction"] == [48000, 56000, 64000]
        header = project.boards / "optimised" / "build" / "audio_classifier" / "eitk_config.h"
        assert "kWarmupBuffers = 3" in header.read_text()
    finally:
        assert project.eitk("board", "stop", "optimised") == 0, project.stderr
    assert project.eitk("boards", "--json") == 0 and json.loads(project.stdout) == []


def test_a_new_usb_board_is_listed_flashed_and_read(
    project: Any, tiny: Path, simulate: Callable[..., Any], add_board: Callable[[Board], None]
) -> None:
    bench = simulate("--line", LINE, "--rate", "20")
    board = SimulatedUsbBoard(bench)
    add_board(board)
    assert project.eitk("boards", "--json") == 0
    assert [(found["board"], found["state"]) for found in json.loads(project.stdout)] == [("simulated", "application")]
    dry = ("flash", "--board", "simulated", "--library", str(tiny), "--dry-run", "--json")
    assert project.eitk(*dry) == 0, project.stderr
    assert json.loads(project.stdout)["port"] == bench.ports()[0].device
    assert project.eitk("flash", "--board", "simulated", "--library", str(tiny), "--json") == 0, project.stderr
    assert json.loads(project.stdout)["port"] == bench.ports()[0].device
    assert bench.holds((project.boards / "simulated" / "image.bin").read_bytes())
    assert project.eitk("tail", "--board", "simulated", "--json", "--count", "2") == 0, project.stderr
    events = [json.loads(line) for line in project.stdout.splitlines()]
    assert [event["winner"] for event in events if event["event"] == "prediction"] == ["rock", "rock"]
    assert project.eitk("board", "stop", "simulated") == 6


def _noise(seconds: int) -> NDArray[np.int16]:
    return np.random.default_rng(3).integers(-5000, 5000, seconds * 16000).astype(np.int16)
