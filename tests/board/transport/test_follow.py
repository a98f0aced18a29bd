"""Following a board: events in order, lost and reopened lines, and the end of the time, without a board."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ei_toolkit.board.protocol.events import Event, Info, Prediction, Unknown, Warning
from ei_toolkit.board.protocol.parser import Parser
from ei_toolkit.board.transport import watch
from ei_toolkit.board.transport.link import Link, LinkLost
from ei_toolkit.board.transport.ports import UsbPort
from ei_toolkit.board.transport.serial_port import PortBusy, PortDenied
from ei_toolkit.board.transport.watch import Source, events, follow, until, usb_source
from ei_toolkit.errors import BoardError

ROCK = b'{"eitk":1,"scores":{"a":0.25,"rock":0.75},"winner":"rock"}\n'
BLOCK = b"Predictions (DSP: 1 ms., Classification: 2 ms., Anomaly: 0 ms.): \n    a: 0.25000\n    rock: 0.75000\n"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "READ_TIMEOUT_S", 0.001)
    monkeypatch.setattr(watch, "BATCH_PAUSE_S", 0.0)
    monkeypatch.setattr(watch, "RECONNECT_INTERVAL_S", 0.001)


def opening(*links: Link | Exception) -> Source:
    """A source that gives these links, or raises these errors, one after another."""
    left = list(links)

    def open_next() -> Link:
        result = left.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    return Source(open_next, reconnect_timeout_s=0.05)


def kinds(found: list[Event]) -> list[type[Event]]:
    return [type(event) for event in found]


def test_a_text_block_is_complete_after_a_pause(scripted: Any) -> None:
    link = scripted(BLOCK[:30], BLOCK[30:], b"", b"more\n")
    found = [event for event in events(link, Parser(), seconds=0.02) if event is not None]
    assert kinds(found) == [Prediction, Unknown]
    assert link.acknowledged == 4


def test_reads_without_data_are_reported_so_that_a_view_can_be_drawn(scripted: Any) -> None:
    found = list(events(scripted(), Parser(), seconds=0.02))
    assert found and set(found) == {None}


def test_a_lost_line_is_reported_and_opened_again(scripted: Any) -> None:
    first, second = scripted(BLOCK, LinkLost("unplugged")), scripted(ROCK)
    found = list(until(follow(opening(first, LinkLost("not yet"), second), Parser(), seconds=5), 2))
    assert kinds(found) == [Prediction, Warning, Info, Prediction]
    assert found[1:3] == [Warning("connection lost: unplugged"), Info("reconnected to the board")]
    assert first.is_closed


def test_what_starts_the_output_is_sent_to_each_new_line(scripted: Any) -> None:
    links = [scripted(LinkLost("x")), scripted(ROCK)]
    source = opening(*links)
    source.begin = lambda link: [Info(f"begin {links.index(link)}")]
    found = list(until(follow(source, Parser(), seconds=5), 1))
    assert [event.text for event in found if isinstance(event, Info)] == [
        "begin 0",
        "reconnected to the board",
        "begin 1",
    ]


def test_a_board_that_does_not_exist_at_the_start_is_an_error_at_once() -> None:
    with pytest.raises(BoardError, match=r"the board cannot be reached \(no port\)") as caught:
        next(follow(opening(LinkLost("no port")), Parser()))
    assert caught.value.hint == "List the boards: eitk boards"


def test_a_board_that_does_not_reappear_is_an_error(scripted: Any) -> None:
    source = opening(scripted(LinkLost("unplugged")), *[LinkLost("still gone")] * 10_000)
    found: list[Event | None] = []
    with pytest.raises(BoardError, match=r"did not reappear within 0 s \(still gone\)"):
        found.extend(follow(source, Parser()))


def test_the_time_may_end_while_the_board_is_gone(scripted: Any) -> None:
    source = opening(scripted(LinkLost("unplugged")), *[LinkLost("gone")] * 10_000)
    source.reconnect_timeout_s = 60
    start = time.monotonic()
    assert kinds(list(until(follow(source, Parser(), seconds=0.05), None))) == [Warning]
    assert time.monotonic() - start < 2


def test_the_line_is_closed_when_nobody_reads_any_more(scripted: Any) -> None:
    link = scripted(ROCK, ROCK)
    following = follow(opening(link), Parser())
    next(following)
    following.close()  # type: ignore[attr-defined]
    assert link.is_closed


@pytest.mark.parametrize(("count", "expected"), [(1, [Info, Prediction]), (2, [Info, Prediction, Warning, Prediction])])
def test_a_number_of_predictions_does_not_count_other_events(count: int, expected: list[type[Event]]) -> None:
    rock = Prediction({"rock": 1.0}, "rock", "eitk")
    stream = iter([None, Info("i"), rock, None, Warning("w"), rock, Info("late")])
    assert kinds(list(until(stream, count))) == expected


def board(**changes: Any) -> UsbPort:
    values = {"device": "/dev/a", "board": "nano33ble", "state": "application", "vid": 1, "pid": 2, "location": "1-2"}
    return UsbPort(**values | changes)


def test_a_board_is_opened_under_its_present_name(monkeypatch: pytest.MonkeyPatch, scripted: Any) -> None:
    opened: list[str] = []
    monkeypatch.setattr(watch, "open_port", lambda device: opened.append(device) or scripted())
    ports = [[board(device="/dev/b", location="9-9"), board(device="/dev/c")], [board(device="/dev/a", location="")]]
    source = usb_source(board(), lambda: ports.pop(0))
    source.open()
    source.open()
    assert opened == ["/dev/c", "/dev/a"]


@pytest.mark.parametrize("present", [[], [board(state="bootloader")], [board(device="/dev/b", location="9-9")]])
def test_a_board_that_is_gone_or_in_its_bootloader_has_no_line(present: list[UsbPort]) -> None:
    with pytest.raises(LinkLost, match="the board is not plugged in, or in its bootloader"):
        usb_source(board(), lambda: present).open()


def test_an_address_is_opened_without_looking_for_ports(monkeypatch: pytest.MonkeyPatch, scripted: Any) -> None:
    opened: list[str] = []
    monkeypatch.setattr(watch, "open_port", lambda device: opened.append(device) or scripted())
    usb_source(board(device="socket://x", state="unknown"), lambda: pytest.fail("ports were listed")).open()
    assert opened == ["socket://x"]


@pytest.mark.parametrize(("error", "words"), [(PortDenied("no"), "no permission"), (PortBusy("no"), "another program")])
def test_a_port_that_cannot_be_opened_ends_the_wait(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_device: str) -> Link:
        raise error

    monkeypatch.setattr(watch, "open_port", fail)
    with pytest.raises(BoardError, match=words):
        next(follow(usb_source(board(), lambda: [board()]), Parser()))
