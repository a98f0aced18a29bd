"""Which port is touched, written and waited for, with ports that a test lists instead of a simulated board."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import pytest

from ei_toolkit.board.flash import usb
from ei_toolkit.board.flash.bootloader import ProtocolError
from ei_toolkit.board.flash.usb import UsbFlasher, UsbTimeouts
from ei_toolkit.board.transport.link import LinkLost
from ei_toolkit.board.transport.ports import UsbPort
from ei_toolkit.board.transport.serial_port import NotSerial, PortDenied, Usb
from ei_toolkit.config.boards import NANO33BLE
from ei_toolkit.errors import BoardError

Ports = list[UsbPort]
TIMEOUTS = UsbTimeouts(bootloader=0.05, double_tap=0.05, application=0.05)


def port(device: str, state: Any = "application", location: str = "1-2") -> UsbPort:
    return UsbPort(device, "nano33ble", state, 0x2341, 0x805A, location=location)


APPLICATION, BOOTLOADER = port("/dev/app"), port("/dev/boot", "bootloader")
OTHER = port("/dev/other", "bootloader", "9-9")


class Bench:
    """Ports that change when they are touched and written, and a list of what was done to them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, scripted: Any) -> None:
        self.present: Ports = []
        self.after_touch: Ports = []
        self.after_write: Ports = []
        self.failures: Iterator[Exception | None] = repeat(None)
        self.done: list[str] = []
        self.notes: list[str] = []
        self._scripted = scripted
        monkeypatch.setattr(usb, "write_image", self._write)
        monkeypatch.setattr(usb, "POLL_INTERVAL_S", 0.001)

    def flash(self, image: bytes = b"image", requested: str = "auto") -> UsbPort:
        access = Usb(lambda: self.present, self._open, self._touch)
        return UsbFlasher(NANO33BLE, access, self.notes.append, timeouts=TIMEOUTS).flash(image, requested)

    def _open(self, device: str) -> Any:
        self.done.append(f"open {device}")
        return self._scripted()

    def _touch(self, device: str) -> None:
        self.done.append(f"touch {device}")
        self.present = self.after_touch

    def _write(self, _link: Any, image: bytes, _timeouts: Any, _advance: Any) -> None:
        failure = next(self.failures)
        self.done.append(f"write {len(image)}")
        if failure:
            raise failure
        self.present = self.after_write


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, scripted: Any) -> Bench:
    """A board with a sketch, whose bootloader and whose new sketch appear as they should."""
    made = Bench(monkeypatch, scripted)
    made.present, made.after_touch, made.after_write = [APPLICATION], [BOOTLOADER], [port("/dev/new")]
    return made


def test_a_running_sketch_is_touched_and_its_bootloader_is_written(bench: Bench) -> None:
    assert bench.flash().device == "/dev/new"
    assert bench.done == ["touch /dev/app", "open /dev/boot", "write 5"]
    starting, writing, waiting = bench.notes
    assert starting == "starting the bootloader of the board on /dev/app"
    assert (writing, waiting) == ("writing 5 bytes to /dev/boot", "waiting for the sketch to start")


def test_a_board_in_its_bootloader_is_written_at_once(bench: Bench) -> None:
    bench.present = [BOOTLOADER]
    bench.flash()
    assert bench.done == ["open /dev/boot", "write 5"]


def test_the_bootloader_of_another_board_is_not_written(bench: Bench) -> None:
    bench.present = [APPLICATION, OTHER]
    bench.after_touch = [OTHER]
    with pytest.raises(BoardError, match="the bootloader did not appear") as caught:
        bench.flash(requested="/dev/app")
    assert "no port 2341:005a within 0 s" in caught.value.why
    assert bench.done == ["touch /dev/app"]


def test_a_new_bootloader_in_another_socket_is_not_written(bench: Bench) -> None:
    bench.after_touch = [OTHER]
    with pytest.raises(BoardError, match="the bootloader did not appear"):
        bench.flash()
    assert bench.done == ["touch /dev/app"]


def test_a_bootloader_that_was_there_before_is_not_new(bench: Bench) -> None:
    earlier = port("/dev/earlier", "bootloader", "")
    bench.present = [port("/dev/app", location=""), earlier]
    bench.after_touch = [earlier]
    with pytest.raises(BoardError, match="the bootloader did not appear"):
        bench.flash(requested="/dev/app")


def test_the_only_new_bootloader_is_taken_where_sockets_are_not_known(bench: Bench) -> None:
    bench.present = [port("/dev/app", location="")]
    bench.after_touch = [port("/dev/boot", "bootloader", "")]
    bench.after_write = [port("/dev/new", location="")]
    assert bench.flash().device == "/dev/new"


def test_two_new_bootloaders_without_a_socket_are_not_guessed_between(bench: Bench) -> None:
    bench.present = [port("/dev/app", location="")]
    bench.after_touch = [port("/dev/b1", "bootloader", ""), port("/dev/b2", "bootloader", "")]
    with pytest.raises(BoardError, match="the bootloader did not appear"):
        bench.flash()


@pytest.mark.parametrize("failure", [ProtocolError("no answer"), LinkLost("unplugged")])
def test_a_failed_attempt_is_reported_and_repeated(bench: Bench, failure: Exception) -> None:
    bench.present = [BOOTLOADER]
    bench.failures = chain([failure, failure], repeat(None))
    assert bench.flash().device == "/dev/new"
    assert [note for note in bench.notes if "attempt" in note] == [
        f"attempt 1 of 3 failed: {failure}", f"attempt 2 of 3 failed: {failure}",
    ]  # fmt: skip


def test_three_failed_attempts_are_an_error_with_the_last_reason(bench: Bench) -> None:
    bench.present = [BOOTLOADER]
    bench.failures = iter([ProtocolError("first"), LinkLost("second"), ProtocolError("third")])
    with pytest.raises(BoardError, match=r"the board could not be flashed \(third\)") as caught:
        bench.flash()
    assert bench.done.count("write 5") == 3
    assert "Press reset twice, quickly" in caught.value.hint


def test_a_board_that_is_unplugged_between_two_attempts_is_waited_for(bench: Bench) -> None:
    bench.present = [BOOTLOADER]

    def failures() -> Iterator[Exception | None]:
        bench.present = []
        yield LinkLost("unplugged")
        yield None

    bench.failures = failures()
    with pytest.raises(BoardError, match="the bootloader did not appear"):
        bench.flash()
    assert "the board is not plugged in; waiting for it" in bench.notes


def test_a_sketch_that_does_not_start_is_an_error_with_the_port_that_is_missing(bench: Bench) -> None:
    bench.after_write = [BOOTLOADER, port("/dev/elsewhere", location="7-7")]
    bench.present = [BOOTLOADER, port("/dev/elsewhere", location="7-7")]
    with pytest.raises(BoardError, match="the image is written, but the board does not reappear") as caught:
        bench.flash(requested="/dev/boot")
    assert caught.value.why.startswith("no port 2341:805a within 0 s")


@pytest.mark.parametrize(
    ("error", "words"), [(PortDenied("x"), "no permission"), (NotSerial("x is no port"), "x is no port")]
)
def test_a_port_that_cannot_be_touched_is_explained(
    bench: Bench, error: Exception, words: str, monkeypatch: Any
) -> None:
    def fail(_device: str) -> None:
        raise error

    monkeypatch.setattr(bench, "_touch", fail)
    with pytest.raises(BoardError, match=words):
        bench.flash()


def test_a_port_that_disappears_during_the_touch_is_a_board_that_resets(bench: Bench, monkeypatch: Any) -> None:
    def reset(_device: str) -> None:
        bench.present = [BOOTLOADER]
        raise LinkLost("gone")

    monkeypatch.setattr(bench, "_touch", reset)
    assert bench.flash().device == "/dev/new"


def test_the_user_is_asked_to_press_reset_twice_and_reminded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usb, "REMINDER_INTERVAL_S", 0.01)
    bench.after_touch = [APPLICATION]
    with pytest.raises(BoardError, match="the bootloader did not appear"):
        bench.flash()
    asked = [note for note in bench.notes if note.startswith("The bootloader does not start")]
    assert len(asked) == 1 and "twice, quickly; waiting 0 s" in asked[0]
    assert any(note.startswith("waiting for the bootloader, ") for note in bench.notes)


def test_an_image_that_does_not_fit_is_refused_before_a_port_is_looked_for(bench: Bench) -> None:
    with pytest.raises(BoardError, match="the image does not fit the board"):
        bench.flash(bytes(NANO33BLE.flash_bytes + 1))  # type: ignore[operator]
    assert bench.done == []
