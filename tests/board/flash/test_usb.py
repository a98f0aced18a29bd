"""Flash over USB: a simulated board on a pty fails in the ways that real boards and cables fail."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.board.flash.bootloader import StepTimeouts
from ei_toolkit.board.flash.usb import UsbFlasher, UsbTimeouts
from ei_toolkit.board.transport.ports import UsbPort
from ei_toolkit.board.transport.serial_port import PortDenied, Usb, open_port, touch
from ei_toolkit.config.boards import NANO33BLE
from ei_toolkit.errors import BoardError

TIMEOUTS = UsbTimeouts(
    bootloader=1.5, double_tap=1.5, application=2.0, steps=StepTimeouts(answer=0.5, erase=2.0, write=1.0)
)
IMAGE = random.Random(5).randbytes(50_000)
Simulate = Callable[..., Any]


def flash(bench: Any, image: bytes = IMAGE, timeouts: UsbTimeouts = TIMEOUTS) -> UsbPort:
    flashed: UsbPort = bench.flasher(timeouts).flash(image, "auto")
    return flashed


@pytest.mark.parametrize(
    "switches",
    [
        pytest.param((), id="a-sketch-runs"),
        pytest.param(("--start", "bootloader"), id="in-its-bootloader-already"),
        pytest.param(("--late", "1"), id="the-bootloader-appears-late"),
        pytest.param(("--hung", "--double-tap-after", "2"), id="a-hung-sketch-and-a-double-tap"),
        pytest.param(("--corrupt", "1"), id="one-byte-is-wrong-once"),
        pytest.param(("--disconnect-after", "30000"), id="disconnected-while-writing"),
        pytest.param(("--disconnect-after", "2", "51000"), id="disconnected-twice"),
    ],
)
def test_the_flash_contains_the_image(simulate: Simulate, switches: tuple[str, ...]) -> None:
    bench = simulate(*switches)
    before = bench.ports()[0].device
    port = flash(bench)
    assert port.state == "application"
    assert port in bench.ports()
    assert bench.holds(IMAGE)
    assert before is not None


@pytest.mark.parametrize(
    ("switches", "words"),
    [
        (("--hung",), "the bootloader did not appear"),
        (("--mute",), "the bootloader does not answer"),
        (("--version", "v1.1 Feb 2015"), "not the bootloader of a Nano 33 BLE"),
        (("--corrupt", "1000"), "differs from what was written"),
        (("--no-return",), "does not reappear"),
        (("--second",), "2 boards are plugged in"),
        (("--no-answer-to", "X"), "does not answer"),
        (("--no-answer-to", "Z"), "does not answer"),
    ],
)
def test_a_failure_that_remains_is_explained(simulate: Simulate, switches: tuple[str, ...], words: str) -> None:
    bench = simulate(*switches)
    with pytest.raises(BoardError) as caught:
        flash(bench)
    assert words in f"{caught.value.what} {caught.value.why}"
    assert caught.value.hint


def test_after_a_failure_the_board_can_be_flashed_again(simulate: Simulate) -> None:
    bench = simulate("--corrupt", "39", "--late", "0.05")  # 13 blocks, three attempts
    with pytest.raises(BoardError):
        flash(bench)
    flash(bench)
    assert bench.holds(IMAGE)


@pytest.mark.slow
def test_interrupted_connections_are_repaired_or_explained(simulate: Simulate) -> None:
    rng, image, succeeded = random.Random(11), IMAGE[:12_000], 0
    timeouts = UsbTimeouts(
        bootloader=1.0, double_tap=0.3, application=2.0, steps=StepTimeouts(answer=0.3, erase=1.0, write=0.5)
    )
    for _ in range(25):
        breaks = [str(rng.randrange(1, 13_500)) for _ in range(4)]
        bench = simulate("--late", "0.02", "--disconnect-after", *breaks)
        # Four interruptions may exceed the three attempts of one run; on a busy machine a late answer is one more.
        for _ in range(3):
            bench.await_port()
            try:
                flash(bench, image, timeouts)
            except BoardError as error:
                assert error.hint
            else:
                succeeded += 1
                assert bench.holds(image)
                break
        bench.stop()
    assert succeeded == 25


def test_a_port_that_another_program_has_open_is_explained(simulate: Simulate) -> None:
    bench = simulate()
    other_program = open_port(bench.ports()[0].device)
    try:
        with pytest.raises(BoardError, match="another program has"):
            flash(bench)
    finally:
        other_program.close()


def test_a_port_without_permission_is_reported_with_the_udev_rule(simulate: Simulate) -> None:
    bench = simulate()

    def denied(device: str) -> None:
        raise PortDenied(f"[Errno 13] could not open port {device}: Permission denied")

    opener = touch
    if os.geteuid() == 0:  # root may open every port
        opener = denied
    else:
        Path(bench.ports()[0].device).chmod(0)
    with pytest.raises(BoardError) as caught:
        UsbFlasher(NANO33BLE, Usb(bench.ports, open_port, opener), print).flash(IMAGE, "auto")
    assert 'ATTRS{idVendor}=="2341"' in caught.value.hint


def test_a_missing_board_is_reported_at_once() -> None:
    start = time.monotonic()
    with pytest.raises(BoardError, match="no Nano 33 BLE") as caught:
        UsbFlasher(NANO33BLE, Usb(list), print).flash(IMAGE, "auto")
    assert time.monotonic() - start < 1
    assert "only charge" in caught.value.hint


@pytest.mark.parametrize("size", [0, 983_041])
def test_an_image_of_a_wrong_size_is_rejected_before_a_board_is_looked_for(size: int) -> None:
    def fail() -> list[UsbPort]:
        raise AssertionError("the board was looked for")

    with pytest.raises(BoardError, match="image"):
        UsbFlasher(NANO33BLE, Usb(fail), print).flash(bytes(size), "auto")
