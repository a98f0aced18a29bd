"""Flashing over USB, against a simulated board on a pty that fails in every way a real one fails."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.board.flash.bootloader import Patience
from ei_toolkit.board.flash.usb import Usb, Waits, flash_usb
from ei_toolkit.board.transport.ports import UsbPort
from ei_toolkit.board.transport.serial_port import PortDenied, open_port, touch
from ei_toolkit.errors import BoardError

WAITS = Waits(bootloader=1.5, double_tap=1.5, application=2.0, protocol=Patience(answer=0.5, erase=2.0, write=1.0))
IMAGE = random.Random(5).randbytes(50_000)
Simulate = Callable[..., Any]


def flash(bench: Any, image: bytes = IMAGE, waits: Waits = WAITS) -> UsbPort:
    return flash_usb(image, "auto", Usb(bench.ports, open_port, touch, bench.said.append), waits)


@pytest.mark.parametrize(
    "switches",
    [
        pytest.param((), id="a-sketch-runs"),
        pytest.param(("--start", "bootloader"), id="in-its-bootloader-already"),
        pytest.param(("--late", "1"), id="the-bootloader-appears-late"),
        pytest.param(("--hung", "--double-tap-after", "2"), id="a-hung-sketch-and-a-double-tap"),
        pytest.param(("--corrupt", "1"), id="one-byte-is-written-wrong-once"),
        pytest.param(("--disconnect-after", "30000"), id="the-cable-slips-while-writing"),
        pytest.param(("--disconnect-after", "2", "51000"), id="the-cable-slips-twice"),
    ],
)
def test_what_arrives_equals_the_image(simulate: Simulate, switches: tuple[str, ...]) -> None:
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
        (("--corrupt", "1000"), "does not hold what was written"),
        (("--no-return",), "does not come back"),
        (("--second",), "two boards"),
        (("--no-answer-to", "X"), "does not answer"),
        (("--no-answer-to", "Z"), "does not answer"),
    ],
)
def test_what_cannot_be_mended_is_explained(simulate: Simulate, switches: tuple[str, ...], words: str) -> None:
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
def test_a_hundred_slips_of_the_cable_are_mended_or_explained(simulate: Simulate) -> None:
    rng, image, mended = random.Random(11), IMAGE[:12_000], 0
    waits = Waits(bootloader=1.0, double_tap=0.3, application=2.0, protocol=Patience(answer=0.3, erase=1.0, write=0.5))
    for _ in range(25):
        slips = [str(rng.randrange(1, 13_500)) for _ in range(4)]
        bench = simulate("--late", "0.02", "--disconnect-after", *slips)
        for _ in range(2):  # four slips may be more than the three attempts of one run can take, never of two
            bench.await_port()
            try:
                flash(bench, image, waits)
            except BoardError as error:
                assert error.hint
            else:
                mended += 1
                assert bench.holds(image)
                break
        bench.stop()
    assert mended == 25


def test_a_port_that_another_program_holds_is_explained(simulate: Simulate) -> None:
    bench = simulate()
    holder = open_port(bench.ports()[0].device)
    try:
        with pytest.raises(BoardError, match="another program holds"):
            flash(bench)
    finally:
        holder.close()


def test_a_port_that_may_not_be_opened_comes_with_the_udev_rule(simulate: Simulate) -> None:
    bench = simulate()

    def denied(device: str) -> None:
        raise PortDenied(f"[Errno 13] could not open port {device}: Permission denied")

    opener = touch
    if os.geteuid() == 0:  # nothing is denied to root
        opener = denied
    else:
        Path(bench.ports()[0].device).chmod(0)
    with pytest.raises(BoardError) as caught:
        flash_usb(IMAGE, "auto", Usb(bench.ports, open_port, opener, bench.said.append), WAITS)
    assert 'ATTRS{idVendor}=="2341"' in caught.value.hint


def test_without_a_board_there_is_no_waiting() -> None:
    start = time.monotonic()
    with pytest.raises(BoardError, match="no Nano 33 BLE") as caught:
        flash_usb(IMAGE, "auto", Usb(list, open_port, touch, print), Waits())
    assert time.monotonic() - start < 1
    assert "only charge" in caught.value.hint


@pytest.mark.parametrize("size", [0, 983_041])
def test_an_image_that_cannot_be_right_is_refused_before_the_board_is_touched(size: int) -> None:
    def untouchable() -> list[UsbPort]:
        raise AssertionError("the board was looked for")

    with pytest.raises(BoardError, match="image"):
        flash_usb(bytes(size), "auto", Usb(untouchable, open_port, touch, print), Waits())
