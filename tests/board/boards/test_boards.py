"""What each kind of board accepts, finds and plans, without a build."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.board.board import BoardContext, FlashedBoard, FlashPlan, FoundBoard
from ei_toolkit.board.boards.nano33ble import Nano33Ble
from ei_toolkit.board.boards.registry import board_named, find_boards, virtual_board_named, virtual_boards
from ei_toolkit.board.boards.virtual import EmulatedBoard, HostBoard
from ei_toolkit.board.emulator.lifecycle import BoardState, folder_of
from ei_toolkit.board.flash.deployment import FlashRequest
from ei_toolkit.board.flash.image import BuiltImage
from ei_toolkit.board.transport.ports import UsbPort
from ei_toolkit.board.transport.serial_port import Usb
from ei_toolkit.config import BoardSettings, ProjectPaths, Settings
from ei_toolkit.config.boards import BOARDS
from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.config.lockfile import Lock, write_lock
from ei_toolkit.errors import BoardError, ConfigurationError, DataError, MissingToolError, UsageError

MODEL = "ab" * 32
NANO = UsbPort("/dev/ttyACM0", "nano33ble", "application", 0x2341, 0x805A, "N1", "1-2")
IMAGE = BuiltImage("host", Path("image.elf"), 100, 50, MODEL, "cd")


def context(root: Path, *ports: UsbPort, board: Any = "nano33ble", port: str = "auto") -> BoardContext:
    def never(device: str) -> Any:
        raise AssertionError(f"{device} was opened")

    settings = Settings(board=BoardSettings(name=board, port=port))
    return BoardContext(settings, ProjectPaths(root), {"PATH": ""}, Usb(lambda: ports, never, never))


def image_file(folder: Path, model: str = MODEL) -> Path:
    (folder / "image.bin").write_bytes(b"code" + b"eitk-model:" + model.encode())
    return folder / "image.bin"


def test_boards_are_known_by_name_and_virtual_ones_by_their_class() -> None:
    assert all(board_named(name).spec is spec for name, spec in BOARDS.items())
    assert {board.name for board in virtual_boards()} >= {"emulated", "host"}
    assert isinstance(virtual_board_named("host"), HostBoard)
    with pytest.raises(BoardError, match="nano33ble does not run on this machine") as caught:
        virtual_board_named("nano33ble")
    assert caught.value.hint.startswith("Use one of emulated, host")
    with pytest.raises(ConfigurationError, match="'uno' is not a board"):
        board_named("uno")


def test_boards_that_are_plugged_in_or_running_are_found(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "host")
    folder.path.mkdir()
    state = BoardState("host", 1, 5001, 5002, MODEL, "cd", "2026-11-29")
    with acquire_lock(folder.daemon_lock):
        folder.write_state(state)
        found = find_boards(tmp_path, [NANO, replace(NANO, device="/dev/x", board="other")])
    assert [(each.board, each.port, each.state) for each in found] == [
        ("nano33ble", "/dev/ttyACM0", "application"), ("host", "socket://127.0.0.1:5001", "running"),
    ]  # fmt: skip
    assert json.loads(json.dumps(found[0].as_json()))["location"] == "1-2"
    assert found[1].as_json()["microphone_port"] == 5002


def test_what_a_board_does_not_have_is_not_in_its_json() -> None:
    found = FoundBoard("host", "p", "running", details={"pid": 3, "port": "overridden"})
    assert found.as_json() == {"pid": 3, "board": "host", "port": "p", "state": "running"}


@pytest.mark.parametrize(("written_by", "how"), [("eitk", {"how": "eitk"}), ("", {})])
def test_a_flashed_board_has_its_port_under_both_names(written_by: str, how: dict[str, str]) -> None:
    flashed = FlashedBoard("host", "/dev/a", IMAGE, written_by).as_json()
    assert flashed == IMAGE.as_json() | {"port": "/dev/a", "address": "/dev/a"} | how


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        (FlashPlan("nano33ble", "/dev/a", MODEL, True), f"would flash model {MODEL[:12]} to nano33ble on /dev/a"),
        (FlashPlan("host", "", "", False), "would flash model of an unknown hash to host"),
    ],
)
def test_a_plan_is_one_sentence(plan: FlashPlan, text: str) -> None:
    assert plan.view() == text
    assert plan.as_json()["dry_run"] is True


def test_a_plan_for_an_image_checks_the_image_and_the_port(tmp_path: Path) -> None:
    request = FlashRequest(image=image_file(tmp_path))
    assert Nano33Ble().plan(context(tmp_path, NANO), request) == FlashPlan("nano33ble", "/dev/ttyACM0", MODEL, True)
    with pytest.raises(BoardError, match="no Nano 33 BLE is plugged in"):
        Nano33Ble().plan(context(tmp_path), request)
    write_lock(ProjectPaths(tmp_path).lock, Lock(1, 1, "e", "int8", "arduino", "z", "0", "m", "ef" * 32, "now"))
    with pytest.raises(DataError, match=r"the model to flash is not the model in eitk\.lock"):
        Nano33Ble().plan(context(tmp_path, NANO), request)
    forced = Nano33Ble().plan(context(tmp_path, NANO), replace(request, force=True))
    assert forced.model_sha256 == MODEL


def test_an_image_that_is_too_large_for_the_board_is_refused(tmp_path: Path) -> None:
    with image_file(tmp_path).open("ab") as file:
        file.truncate(BOARDS["nano33ble"].flash_bytes + 1)  # type: ignore[operator]
    with pytest.raises(BoardError, match="the image does not fit the board"):
        Nano33Ble().plan(context(tmp_path, NANO), FlashRequest(image=tmp_path / "image.bin"))


@pytest.mark.parametrize("board", [HostBoard(), EmulatedBoard()])
def test_a_virtual_board_takes_neither_a_port_nor_an_image(board: Any, tmp_path: Path) -> None:
    board.check_port(None)
    board.check_port("auto")
    with pytest.raises(
        UsageError, match=f"the {board.name} board runs on this machine and has no port /dev/a"
    ) as caught:
        board.check_port("/dev/a")
    assert caught.value.hint.startswith("Omit --port, or name the board on it: --board nano33ble")
    for attempt in (board.plan, board.build, board.flash):
        with pytest.raises(UsageError, match=f"the {board.name} board does not take a ready image"):
            attempt(context(tmp_path, board=board.name), FlashRequest(image=Path("image.bin")))
    assert list(tmp_path.iterdir()) == []


def test_a_virtual_board_is_flashed_by_one_command_at_a_time(tmp_path: Path) -> None:
    made = context(tmp_path, board="host")
    folder = folder_of(made.paths.boards, "host")
    folder.path.mkdir(parents=True)
    with acquire_lock(folder.flash_lock), pytest.raises(BoardError, match="the host board is already being flashed"):
        HostBoard().build(made, FlashRequest())


def test_a_virtual_board_that_does_not_run_has_no_line_and_no_microphone(tmp_path: Path) -> None:
    made = context(tmp_path, board="host")
    for attempt in (lambda: HostBoard().source(made), lambda: HostBoard().microphone(made.paths.boards)):
        with pytest.raises(BoardError, match="the host board is not running"):
            attempt()
    assert HostBoard().flash_target(made) == ("", False)
    assert not HostBoard().stop(made.paths.boards)


def test_a_board_on_usb_is_not_stopped_and_has_a_real_microphone(tmp_path: Path) -> None:
    assert Nano33Ble().microphone(tmp_path) is None  # type: ignore[func-returns-value]
    with pytest.raises(BoardError, match="nano33ble does not run on this machine") as caught:
        Nano33Ble().stop(tmp_path)
    assert caught.value.hint == "Unplug it."


def test_the_program_of_a_board_gets_its_lines_and_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert HostBoard().command(Path("/x/image.elf")) == ("/x/image.elf", "{serial}", "{microphone}")
    monkeypatch.setattr("ei_toolkit.eon.toolchain.qemu", lambda: "/bin/qemu")
    command = list(EmulatedBoard().command(Path("/x/image.elf")))
    assert command[0] == "/bin/qemu" and command[-2:] == ["-kernel", "/x/image.elf"]
    assert "socket,id=serial,fd={serial}" in command
    assert "socket,id=microphone,fd={microphone}" in command
    assert any("mem-path=/dev/fd/{memory}" in argument for argument in command)


def test_a_missing_compiler_is_named_before_anything_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(MissingToolError, match="there is no C"):
        HostBoard().target()
    with pytest.raises(MissingToolError, match="QEMU is not installed"):
        EmulatedBoard().target()
    assert "qemu-system-arm" in EmulatedBoard().missing_tools() and HostBoard().missing_tools() == []
