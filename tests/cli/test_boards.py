"""`eitk boards` and `eitk board`: the list, its changes, and boards that cannot be stopped or checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from support import eitk

from ei_toolkit.board.board import FoundBoard
from ei_toolkit.board.boards.virtual import VirtualBoard
from ei_toolkit.cli import boards as boards_module
from ei_toolkit.cli.boards import changes

NANO = FoundBoard("nano33ble", "/dev/ttyACM0", "ready", serial_number="E6614")
BOOT = FoundBoard("nano33ble", "/dev/ttyACM0", "bootloader")
HOST = FoundBoard("host", "127.0.0.1:5000", "running", model_sha256="ab" * 32)


def found_in_turn(*polls: Sequence[FoundBoard]) -> list[tuple[str, str, str]]:
    """(change, board, state) of everything that `changes` reports for these polls."""
    remaining = list(polls)
    reported = changes(lambda: remaining.pop(0), len(polls))
    return [(change["change"], change["board"], change["state"]) for change in reported]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boards_module, "POLL_INTERVAL_S", 0.0)


def test_the_first_poll_reports_every_board() -> None:
    assert sorted(found_in_turn([NANO, HOST])) == [("+", "host", "running"), ("+", "nano33ble", "ready")]


def test_a_board_that_stays_is_reported_once() -> None:
    assert found_in_turn([NANO], [NANO], [NANO]) == [("+", "nano33ble", "ready")]


def test_a_board_that_is_unplugged_and_plugged_in_again() -> None:
    assert found_in_turn([NANO], [], [NANO]) == [
        ("+", "nano33ble", "ready"),
        ("-", "nano33ble", "ready"),
        ("+", "nano33ble", "ready"),
    ]


def test_another_state_of_a_port_is_a_change() -> None:
    assert found_in_turn([NANO], [BOOT])[1:] == [("-", "nano33ble", "ready"), ("+", "nano33ble", "bootloader")]


def test_no_board_is_no_change() -> None:
    assert found_in_turn([], []) == []


def test_boards_are_listed_as_a_table_or_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boards_module, "find_boards", lambda *_: [NANO, HOST])
    lines = [line.split() for line in eitk(tmp_path, "boards").out.splitlines()]
    assert lines[1] == ["nano33ble", "/dev/ttyACM0", "ready", "E6614"]
    assert eitk(tmp_path, "boards", "--json").data == [
        {"board": "nano33ble", "port": "/dev/ttyACM0", "state": "ready", "serial_number": "E6614"},
        {"board": "host", "port": "127.0.0.1:5000", "state": "running", "model_sha256": "ab" * 32},
    ]


def test_without_a_board_the_list_is_empty_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boards_module, "find_boards", lambda *_: [])
    assert eitk(tmp_path, "boards", "--json").data == []
    assert "eitk flash --board emulated" in eitk(tmp_path, "boards").out


@pytest.mark.parametrize("json", [False, True])
def test_changes_are_lines_until_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, json: bool) -> None:
    polls = [[NANO], []]

    def find(*_: object) -> list[FoundBoard]:
        if not polls:
            raise KeyboardInterrupt
        return polls.pop(0)

    monkeypatch.setattr(boards_module, "find_boards", find)
    code, out, _ = eitk(tmp_path, "boards", "--watch", *(["--json"] if json else []))
    assert code == 130
    starts = ['{"change": "+"', '{"change": "-"'] if json else ["+ /dev/ttyACM0  nano33ble (ready)", "- /dev/ttyACM0"]
    assert len(out.splitlines()) == 2
    assert all(line.startswith(start) for line, start in zip(out.splitlines(), starts, strict=True))


def test_a_board_that_does_not_run_is_not_stopped(tmp_path: Path) -> None:
    assert eitk(tmp_path, "board", "stop", "host").out == "host was not running\n"
    assert eitk(tmp_path, "board", "stop", "emulated", "--json").data == {"board": "emulated", "stopped": False}


@pytest.mark.parametrize(("name", "code"), [("nano33ble", 6), ("uno", 2), ("", 2)])
def test_only_a_virtual_board_can_be_stopped(tmp_path: Path, name: str, code: int) -> None:
    done, out, err = eitk(tmp_path, "board", "stop", name)
    assert (done, out) == (code, "")
    assert "emulated" in err and "host" in err


def test_the_configured_board_is_stopped_without_a_name(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text('[board]\nname = "host"\n')
    assert eitk(tmp_path, "board", "stop").out == "host was not running\n"


def test_a_dry_run_stops_no_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert eitk(tmp_path, "board", "stop", "host", "--dry-run").out == "host is not running\n"
    monkeypatch.setattr(VirtualBoard, "find", lambda *_: [object()])
    monkeypatch.setattr(VirtualBoard, "stop", lambda *_: pytest.fail("the board was stopped"))
    assert eitk(tmp_path, "board", "stop", "host", "--dry-run").out == "would stop host\n"
    assert eitk(tmp_path, "board", "stop", "host", "--dry-run", "--json").data == {
        "board": "host", "dry_run": True, "running": True,
    }  # fmt: skip


def test_a_board_is_stopped_although_the_settings_are_not_valid(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text("[training]\nepochs = nonsense\n")
    assert eitk(tmp_path, "board", "stop", "host").code == 0
    assert eitk(tmp_path, "board", "stop").code == 3
