"""Lines of boards: bytes in both directions, what is put back, acknowledgements, and a connection that ends."""

from __future__ import annotations

import errno
import os
import pty
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ei_toolkit.board.transport import serial_port
from ei_toolkit.board.transport.link import ACK, ENQ, EmulatorLink, LinkLost, SerialLink
from ei_toolkit.board.transport.serial_port import (
    NotSerial,
    PortBusy,
    PortDenied,
    UnusablePort,
    explain,
    open_port,
    touch,
)


class Server:
    """The emulator process's end of a serial line on a loopback port."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.link = EmulatorLink(self.port)
        self.line, _ = self._listener.accept()
        self.line.settimeout(5)

    def receive(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += self.line.recv(count - len(data))
        return data

    def close(self) -> None:
        for each in (self.link, self.line, self._listener):
            each.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def test_a_reader_announces_its_acknowledgements_first(server: Server) -> None:
    server.link.acknowledge(2)
    server.link.write(b"s\n")
    assert server.receive(5) == ENQ + ACK * 2 + b"s\n"


def test_bytes_that_are_put_back_come_first_and_in_order(server: Server) -> None:
    server.line.sendall(b"later")
    server.link.put_back(b"second")
    server.link.put_back(b"first ")
    assert server.link.read(1) == b"first second"
    assert server.link.read(1) == b"later"


def test_a_read_without_data_ends_after_its_timeout(server: Server) -> None:
    start = time.monotonic()
    assert server.link.read(0.05) == b""
    assert 0.04 < time.monotonic() - start < 2


def test_a_board_that_stops_loses_the_connection(server: Server) -> None:
    assert server.receive(1) == ENQ
    server.line.close()
    with pytest.raises(LinkLost, match="the board has stopped"):
        server.link.read(1)
    with pytest.raises(LinkLost):
        for _ in range(100):
            server.link.write(b"x" * 10_000)
    server.link.acknowledge(1)  # without an exception


def test_a_port_on_which_nothing_listens_has_no_link() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(LinkLost, match="refused"):
        EmulatorLink(port)


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """A pseudo-terminal: the board's end, and the device of the other end."""
    board, device = pty.openpty()
    yield board, os.ttyname(device)
    for each in (board, device):
        os.close(each)


def test_a_serial_line_carries_bytes_in_both_directions(terminal: tuple[int, str]) -> None:
    board, device = terminal
    link = open_port(device)
    link.write(b"hello")
    assert os.read(board, 10) == b"hello"
    os.write(board, b"world")
    assert link.read(2) == b"world"
    link.put_back(b"again")
    assert link.read(2) == b"again"
    assert link.read(0.01) == b""
    link.acknowledge(3)
    link.close()
    link.close()  # without an exception


def test_a_serial_port_that_disappears_loses_the_connection() -> None:
    board, device = pty.openpty()
    link = SerialLink(os.ttyname(device))
    os.close(device)
    os.close(board)
    with pytest.raises(LinkLost):
        link.read(0.1)
    with pytest.raises(LinkLost):
        for _ in range(100):
            link.write(b"x" * 10_000)
    link.drop_dtr()
    link.close()


def test_a_port_is_opened_for_one_program_only(terminal: tuple[int, str]) -> None:
    _, device = terminal
    first = open_port(device)
    try:
        with pytest.raises(PortBusy):
            open_port(device)
    finally:
        first.close()
    open_port(device).close()


def test_a_port_is_touched_at_1200_baud_and_closed(terminal: tuple[int, str], monkeypatch: pytest.MonkeyPatch) -> None:
    import termios

    _, device = terminal
    monkeypatch.setattr(serial_port, "TOUCH_HOLD_S", 0.15)
    thread = threading.Thread(target=touch, args=(device,))
    thread.start()
    other = os.open(device, os.O_RDWR | os.O_NOCTTY)
    try:
        deadline = time.monotonic() + 2
        while termios.tcgetattr(other)[4] != termios.B1200 and time.monotonic() < deadline:
            time.sleep(0.005)
        assert termios.tcgetattr(other)[4] == termios.B1200
    finally:
        thread.join()
        os.close(other)
    open_port(device).close()  # it is free again


@pytest.mark.parametrize(
    ("device", "kind", "message"),
    [
        ("/dev/eitk-none", LinkLost, "there is no port /dev/eitk-none"),
        ("/dev/null", NotSerial, "/dev/null is not a serial port"),
        ("/tmp", NotSerial, "/tmp is not a serial port"),
        ("gopher://host", NotSerial, "gopher://host is not a serial port"),
    ],
)
def test_a_device_that_is_no_serial_port_is_named(device: str, kind: type[LinkLost], message: str) -> None:
    for attempt in (open_port, touch):
        with pytest.raises(kind, match=f"^{message}$") as caught:
            attempt(device)
        assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EACCES, PortDenied), (errno.EPERM, PortDenied), (errno.EBUSY, PortBusy), (errno.EAGAIN, PortBusy)],
)
@pytest.mark.parametrize(
    "form", ["[Errno {n}] could not open port x: {text}", "Could not exclusively lock: ({n}, '{text}')"]
)
def test_the_number_in_a_message_of_pyserial_is_read(
    number: int, kind: type[LinkLost], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_more: object) -> None:
        raise LinkLost(form.format(n=number, text=os.strerror(number)))

    monkeypatch.setattr(serial_port, "SerialLink", fail)
    with pytest.raises(kind):
        open_port("/dev/ttyACM0")


@pytest.mark.parametrize(
    ("error", "manager", "what", "hint"),
    [
        (PortDenied("no"), False, "no permission to open /dev/a", "sudo udevadm trigger"),
        (PortBusy("no"), False, "another program has /dev/a open", "Close the other program"),
        (PortBusy("no"), True, "another program has /dev/a open", "sudo systemctl stop ModemManager"),
        (NotSerial("/dev/a is not a serial port"), False, "/dev/a is not a serial port", "eitk boards"),
    ],
)
def test_a_port_that_cannot_be_used_is_explained(
    error: UnusablePort, manager: bool, what: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial_port, "_modem_manager_runs", lambda: manager)
    explained = explain("/dev/a", error)
    assert explained.what == what
    assert hint in explained.hint


def test_modem_manager_is_looked_for_only_with_pgrep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not serial_port._modem_manager_runs()
    (tmp_path / "pgrep").write_text('#!/bin/sh\ntest "$*" = "-x ModemManager"\n')
    (tmp_path / "pgrep").chmod(0o700)
    assert serial_port._modem_manager_runs()
