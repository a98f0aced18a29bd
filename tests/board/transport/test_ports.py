"""Boards on USB: which ports are boards, which one is meant, and the same board under another name."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ei_toolkit.board.transport.ports import UsbPort, choose, usb_ports
from ei_toolkit.config.boards import NANO33BLE
from ei_toolkit.errors import BoardError


def port(
    device: str, state: Any = "application", serial: str = "", location: str = "", board: str = "nano33ble"
) -> UsbPort:
    return UsbPort(device, board, state, 0x2341, 0x805A, serial, location)


def listed(**changes: Any) -> SimpleNamespace:
    """A port as pyserial lists it."""
    values = {"device": "/dev/ttyACM0", "vid": 0x2341, "pid": 0x805A, "serial_number": "N1", "location": "1-2:1.0"}
    return SimpleNamespace(**values | changes)


def test_known_ids_are_boards_in_the_order_of_their_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [
        listed(device="/dev/ttyUSB0", vid=0x10C4, pid=0xEA60),
        listed(device="/dev/ttyS0", vid=None, pid=None),
        listed(device="/dev/ttyACM1", pid=0x005A, serial_number=None, location=None),
        listed(),
    ]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: ports)
    assert usb_ports() == [
        UsbPort("/dev/ttyACM0", "nano33ble", "application", 0x2341, 0x805A, "N1", "1-2"),
        UsbPort("/dev/ttyACM1", "nano33ble", "bootloader", 0x2341, 0x005A, "", ""),
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (port("a", location="1-2"), port("b", location="1-2"), True),
        (port("a", location="1-2", serial="N1"), port("a", location="1-3", serial="N1"), False),
        (port("a", serial="N1"), port("b", serial="N1", location="1-2"), True),
        (port("a", serial="N1"), port("a", serial="N2"), False),
        (port("a"), port("a"), False),
    ],
)
def test_a_board_is_known_by_its_socket_or_else_by_its_serial_number(one: UsbPort, other: UsbPort, same: bool) -> None:
    assert one.is_same_board(other) == other.is_same_board(one) == same


def test_the_only_board_of_the_kind_is_chosen() -> None:
    ports = [port("/dev/a", board="other"), port("/dev/b", state="bootloader")]
    assert choose(ports, "auto", NANO33BLE) == ports[1]


def test_several_boards_have_to_be_named(tmp_path: Path) -> None:
    ports = [port("/dev/a"), port("/dev/b", state="bootloader")]
    with pytest.raises(BoardError, match=r"^2 boards are plugged in \(/dev/a \(application\), /dev/b \(bootloader\)\)"):
        choose(ports, "auto", NANO33BLE)
    assert choose(ports, "/dev/b", NANO33BLE) == ports[1]


def test_no_board_is_explained_with_its_usb_ids() -> None:
    with pytest.raises(BoardError, match="no Nano 33 BLE is plugged in") as caught:
        choose([port("/dev/a", board="other")], "auto", NANO33BLE)
    assert caught.value.why == "no USB device 2341:805a (running a sketch) or 2341:005a (in its bootloader)"
    assert caught.value.hint.endswith("--board emulated")


def test_a_port_of_an_adapter_or_an_address_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "ttyUSB0").touch()
    for device in (str(tmp_path / "ttyUSB0"), "socket://127.0.0.1:5000", "rfc2217://host:1"):
        assert choose([port("/dev/a")], device, NANO33BLE) == UsbPort(device, "nano33ble", "unknown", 0, 0)


def test_a_port_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=f"there is no port {tmp_path}/none") as caught:
        choose([port("/dev/a")], f"{tmp_path}/none", NANO33BLE)
    assert caught.value.hint == "List the boards: eitk boards; --port auto takes the only one."
