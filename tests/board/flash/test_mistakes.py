"""Boards, ports and libraries that the user names and that do not exist or cannot be used."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.board.board import BoardContext
from ei_toolkit.board.boards.nano33ble import Nano33Ble
from ei_toolkit.board.flash.bootloader import StepTimeouts
from ei_toolkit.board.flash.deployment import FlashRequest, other_impulse
from ei_toolkit.board.flash.library import Library, open_library
from ei_toolkit.board.flash.usb import UsbFlasher, UsbTimeouts
from ei_toolkit.board.transport.ports import UsbPort
from ei_toolkit.board.transport.serial_port import Usb, open_port, touch
from ei_toolkit.config import Settings, load_config
from ei_toolkit.config.boards import NANO33BLE
from ei_toolkit.config.lockfile import read_lock, write_lock
from ei_toolkit.errors import BoardError

Simulate = Callable[..., Any]
TIMEOUTS = UsbTimeouts(
    bootloader=1.5, double_tap=1.5, application=2.0, steps=StepTimeouts(answer=0.5, erase=2.0, write=1.0)
)
WRONG_PORTS = ["/dev/ttyNOPE", "/dev/null", "eitk.toml", ".", "nonsense://x", "socket://127.0.0.1:9"]


@pytest.mark.parametrize("port", WRONG_PORTS)
@pytest.mark.parametrize("words", [("tail",), ("verify", "x.wav"), ("board", "check")], ids=lambda words: words[-1])
def test_a_wrong_port_is_reported_with_a_hint(
    pinned_project: Any, words: tuple[str, ...], port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pinned_project.root)
    board = ("nano33ble",) if words[0] == "board" else ("--board", "nano33ble")
    assert pinned_project.eitk(*words, *board, "--port", port) == 6
    assert "eitk boards" in pinned_project.stderr
    assert port in pinned_project.stderr


@pytest.mark.parametrize("port", ["/dev/ttyNOPE", "/dev/null"])
def test_flashing_to_a_wrong_port_fails_at_once(project: Any, port: str) -> None:
    (project.root / "x.bin").write_bytes(b"image")
    start = time.monotonic()
    assert project.eitk("flash", "--board", "nano33ble", "--port", port, "x.bin") == 6
    assert time.monotonic() - start < 5
    assert "eitk boards" in project.stderr and "reset" not in project.stderr


def test_a_missing_port_is_reported_before_the_library_is_compiled(project: Any, tiny: Path) -> None:
    config = load_config(project.root, {}, {"board.port": "/dev/ttyNOPE"})
    context = BoardContext(config.settings, config.paths, {}, Usb(list))
    with pytest.raises(BoardError, match="there is no port /dev/ttyNOPE"):
        Nano33Ble().flash(context, FlashRequest(tiny))


def test_a_named_port_may_change_its_name_after_the_touch(simulate: Simulate) -> None:
    bench = simulate("--late", "0.3")
    before = bench.ports()[0].device
    port = bench.flasher(TIMEOUTS).flash(b"image" * 99, before)
    assert port.state == "application" and bench.holds(b"image" * 99)


def test_the_link_to_the_port_may_disappear_after_the_touch(simulate: Simulate, tmp_path: Path) -> None:
    """The name is a symbolic link to the port of the sketch, as udev creates; it is not in the list of ports."""
    bench = simulate("--late", "0.3")
    name = tmp_path / "my-board"
    name.symlink_to(bench.ports()[0].device)

    def touch_and_unlink(device: str) -> None:
        touch(device)
        name.unlink()

    def without_location() -> list[UsbPort]:
        return [replace(port, location="", serial_number="") for port in bench.ports()]

    flasher = UsbFlasher(NANO33BLE, Usb(without_location, open_port, touch_and_unlink), print, timeouts=TIMEOUTS)
    assert flasher.flash(b"image" * 99, str(name)).state == "application"


def test_a_library_without_its_interpreter_is_rejected_before_it_is_compiled(pinned_project: Any) -> None:
    interpreted(pinned_project)
    for words in (("--board", "host"), ("--board", "host", "--build"), ("--board", "nano33ble", "--dry-run")):
        assert pinned_project.eitk("flash", *words) == 6
        assert "TensorFlow Lite Micro" in pinned_project.stderr
        assert 'engine = "tflite-eon"' in pinned_project.stderr
        assert "compiling" not in pinned_project.stderr


def test_a_library_with_its_interpreter_is_accepted(pinned_project: Any, tmp_path: Path) -> None:
    library = open_library(interpreted(pinned_project), tmp_path / "unpacked")
    assert library.lacks_interpreter
    interpreter_header = library.include / "tensorflow" / "lite" / "micro" / "micro_interpreter.h"
    interpreter_header.parent.mkdir(parents=True)
    interpreter_header.touch()
    assert not library.lacks_interpreter


def interpreted(project: Any) -> Path:
    """Pin a library of the engine `tflite`."""
    from ei_toolkit.eon.library import LibraryDspBlock, LibraryRequest, package

    settings = load_config(project.root, {}).settings
    blocks = tuple(
        LibraryDspBlock(number, block.type, block.implementation_version, dict(block.params))
        for number, block in enumerate(settings.impulse.dsp, 2)
    )
    tflite = (project.root / "model.tflite").read_bytes()
    labels = ("classical", "rock")
    request = LibraryRequest("Tunes", 1, "tests", 2, labels, tflite, 48000, 16000.0, blocks, engine="tflite")
    info = package(request, project.root)
    lock = read_lock(project.root / "eitk.lock")
    assert lock is not None
    changed = replace(lock, engine="tflite", zip=info.path.name, zip_sha256=info.sha256)
    write_lock(project.root / "eitk.lock", changed)
    return info.path


@pytest.mark.parametrize("words", [("tail",), ("verify", "x.wav"), ("play", "x.wav")], ids=lambda words: words[0])
def test_the_board_to_start_is_named_in_the_hint(project: Any, words: tuple[str, ...]) -> None:
    config = project.root / "eitk.toml"
    config.write_text(config.read_text().replace('name = "nano33ble"', 'name = "host"'))
    assert project.eitk(*words, "--board", "emulated") == 6
    assert "eitk flash --board emulated" in project.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("board", "stop", "nope"), 2),
        (("board", "stop", ""), 2),
        (("board", "stop", "nano33ble"), 6),
        (("play", "--board", "nope", "x.wav"), 2),
        (("demo", "--board", "nope"), 2),
        (("demo", "--board", "nano33ble"), 6),
    ],
)
def test_a_board_that_cannot_be_used_is_rejected(project: Any, words: tuple[str, ...], code: int) -> None:
    assert project.eitk(*words) == code
    assert "emulated, host" in project.stderr
    assert not (project.root / "eitk-demo").exists()


def test_a_board_is_stopped_even_if_eitk_toml_is_invalid(project: Any, tiny: Path) -> None:
    assert project.eitk("flash", "--board", "host", "--library", str(tiny)) == 0, project.stderr
    (project.root / "eitk.toml").write_text('[board]\nname = "nope"\n')
    below = project.root / "below"
    below.mkdir()
    assert project.eitk("-C", str(below), "board", "stop", "host") == 0, project.stderr
    assert project.stdout == "host stopped\n"


@pytest.mark.parametrize("words", [("verify", "--board", "host", "x.wav"), ("board", "check", "host")], ids=" ".join)
def test_a_float_model_is_rejected_with_the_setting_to_change(
    pinned_project: Any, words: tuple[str, ...], tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = ("--board", "host", "--library", str(tiny), "--force")
    assert pinned_project.eitk("flash", *flags) == 0, pinned_project.stderr
    monkeypatch.setattr("ei_toolkit.board.boards.virtual.running_state", running_the_pinned)
    monkeypatch.setattr("ei_toolkit.impulse.interpreter.Interpreter.is_int8", False)
    assert pinned_project.eitk(*words) == 1
    assert 'model_type = "int8"' in pinned_project.stderr
    assert "predict" not in pinned_project.stderr


def running_the_pinned(boards: Path, name: str) -> Any:
    from ei_toolkit.board.emulator.lifecycle import running_state

    return replace(running_state(boards, name), model_sha256="")


@pytest.mark.parametrize(
    "words", [("flash",), ("flash", "--dry-run"), ("tail",), ("verify", "x.wav"), ("board", "check")], ids=" ".join
)
@pytest.mark.parametrize("board", ["host", "emulated"])
def test_a_port_for_a_virtual_board_is_rejected(project: Any, words: tuple[str, ...], board: str) -> None:
    named = (board,) if words[0] == "board" else ("--board", board)
    assert project.eitk(*words, *named, "--port", "/dev/ttyACM0") == 2
    assert "has no port /dev/ttyACM0" in project.stderr and "--board nano33ble" in project.stderr
    assert project.eitk(*words, *named, "--port", "auto") != 2


@pytest.mark.parametrize(
    ("before", "after", "difference"),
    [
        (
            "window_ms = 3000",
            "window_ms = 2000",
            "48000 samples in a window instead of 32000, 4800 features instead of 3200",
        ),
        ("num_filters = 40", "num_filters = 32", "4800 features instead of 3840"),
    ],
)
def test_a_library_of_another_impulse_is_flashed_with_a_note(
    pinned_project: Any, before: str, after: str, difference: str
) -> None:
    assert pinned_project.eitk("flash", "--board", "host", "--dry-run") == 0
    assert "another impulse" not in pinned_project.stderr
    file = pinned_project.root / "eitk.toml"
    file.write_text(file.read_text().replace(before, after))
    assert pinned_project.eitk("flash", "--board", "host", "--dry-run") == 0
    noted = " ".join(pinned_project.stderr.split())
    assert f"the pinned library was built with another impulse than that of eitk.toml ({difference})" in noted
    assert "to change it: eitk impulse apply, then eitk train --eon" in noted


def test_a_figure_that_the_library_lacks_is_no_difference(tmp_path: Path) -> None:
    rate = Settings().slice.sample_rate
    defines = {"EI_CLASSIFIER_FREQUENCY": str(rate + 1), "EI_CLASSIFIER_RAW_SAMPLE_COUNT": "(2 * SAMPLES)"}
    library = Library(tmp_path, "mine_inferencing.h", defines)
    assert other_impulse(Settings(), library) == f"{rate + 1} samples per second instead of {rate}"
