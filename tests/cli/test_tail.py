"""`eitk tail`: times on the command line, and what each kind of output shows."""

from __future__ import annotations

import io
import json
import os
import re
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import eitk

from ei_toolkit.board.protocol import at_firmware
from ei_toolkit.board.protocol.events import Event, Info, Prediction, Unknown, Warning
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.tail import _shown, parse_duration
from ei_toolkit.config import BoardSettings
from ei_toolkit.errors import UsageError

ROCK = Prediction({"rock": 0.75, "classical": 0.25}, "rock", "eitk")
WAITING = "waiting for predictions of the nano33ble board; Ctrl-C ends"
EVENTS: list[Event] = [Info("Edge Impulse Inferencing"), Info("hello"), ROCK, Warning("overrun"), Unknown("%$§")]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("5m", 300), ("1h", 3600), ("12", 12), ("500ms", 0.5), ("1.5m", 90), (" 3s ", 3), ("0", 0)],
)
def test_a_time_has_a_unit_or_is_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text, "--for") == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "-5s", "5 s", "1d", "1e3", "5M", ".5s", "5s5"])
def test_another_text_is_not_a_time(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time") as caught:
        parse_duration(text, "--for")
    assert f"--for {text!r}" in caught.value.what
    assert caught.value.hint == "Write 45s, 5m or 1h."


@given(st.integers(0, 10**6), st.sampled_from(["ms", "s", "m", "h", ""]))
def test_every_whole_number_with_a_unit_is_a_time(number: int, unit: str) -> None:
    factor = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "": 1}[unit]
    assert parse_duration(f"{number}{unit}", "--for") == pytest.approx(number * factor)


def streams(folder: Path, **flags: bool) -> tuple[str, str]:
    """Show all events and return what is on stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with _shown(Environment(Console(out, err, **flags), folder, {}), BoardSettings()) as sink:
        for event in EVENTS:
            sink(event)
    return out.getvalue(), err.getvalue()


def test_predictions_are_lines_on_stdout_and_all_else_is_on_stderr(tmp_path: Path) -> None:
    out, err = streams(tmp_path)
    assert out == "rock        rock 0.750  classical 0.250\n"
    assert err.splitlines() == [WAITING, "hello", "warning: overrun", "%$§"]


def test_quiet_leaves_predictions_and_warnings(tmp_path: Path) -> None:
    out, err = streams(tmp_path, quiet=True)
    assert out.count("\n") == 1
    assert err == "warning: overrun\n"


def test_for_programs_every_event_is_a_line_of_json_on_stdout(tmp_path: Path) -> None:
    out, err = streams(tmp_path, json_output=True)
    assert [json.loads(line)["event"] for line in out.splitlines()] == [
        "info", "info", "prediction", "warning", "unknown",
    ]  # fmt: skip
    assert err == f"{WAITING}\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--for", "soon"), 2, "--for 'soon' is not a time"),
        (("--count", "0"), 2, "--count"),
        (("--every", "soon"), 2, "--every 'soon' is not a time"),
        (("--log", "x.pdf"), 2, "--log: the suffix of x.pdf is not a log format"),
        (("--timeout", "soon"), 2, "--timeout 'soon' is not a time"),
        (("--board", "uno"), 2, "Invalid value for '--board': 'uno' is not one of"),
        (("--board", "host", "--port", "/dev/ttyACM0"), 2, "port"),
        (("--board", "host"), 6, "host"),
    ],
)
def test_what_cannot_be_shown_is_an_error_with_its_exit_code(
    tmp_path: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    done = eitk(tmp_path, "tail", *words)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


class SerialBoard:
    """A board on a pseudo terminal that prints the given bytes again and again."""

    def __init__(self, output: bytes) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._output = output
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while self._output and not self._stopped.wait(0.05):
            os.write(self.master, self._output)

    def __enter__(self) -> SerialBoard:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        os.close(self.master)
        os.close(self._slave)


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("ANSWER_TIMEOUT_S", "PROMPT_TIMEOUT_S"):
        monkeypatch.setattr(at_firmware, name, 0.03)
    yield


@pytest.mark.parametrize("flags", [(), ("--json",)])
@pytest.mark.parametrize("count", [(), ("--count", "2")])
def test_an_idle_board_is_noted_at_once_and_ends_with_the_timeout(
    tmp_path: Path, flags: tuple[str, ...], count: tuple[str, ...]
) -> None:
    started = time.monotonic()
    with SerialBoard(b"") as board:
        done = eitk(tmp_path, "tail", "--port", board.port, "--timeout", "200ms", *count, *flags)
    assert (done.code, done.out) == (6, "")
    assert WAITING in done.err
    assert "no prediction for 0.2 s" in done.err
    assert time.monotonic() - started < 5


def test_a_count_ends_on_an_idle_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ei_toolkit.cli.tail.COUNT_TIMEOUT_S", 0.2)
    with SerialBoard(b"") as board:
        done = eitk(tmp_path, "tail", "--port", board.port, "-n", "2")
    assert done.code == 6
    assert "no prediction for 0.2 s" in done.err


def test_a_timeout_of_zero_waits_as_long_as_the_time_lasts(tmp_path: Path) -> None:
    with SerialBoard(b"") as board:
        assert eitk(tmp_path, "tail", "--port", board.port, "-n", "2", "--timeout", "0", "--for", "300ms").code == 0


def test_a_board_that_only_prints_other_lines_ends_with_the_timeout_and_the_hint_to_raw(tmp_path: Path) -> None:
    with SerialBoard(b"rock = 0.9 !\r\n") as board:
        done = eitk(tmp_path, "tail", "--port", board.port, "--timeout", "300ms")
    assert done.code == 6
    assert "eitk tail --raw" in done.err


def test_a_sketch_of_edge_impulse_is_read_from_its_serial_port(tmp_path: Path) -> None:
    output = b"Timing: DSP 12 ms, inference 5 ms, anomaly 0 ms\r\nPredictions:\r\n  a: 0.10000\r\n  rock: 0.90000\r\n"
    with SerialBoard(output) as board:
        done = eitk(tmp_path, "tail", "--port", board.port, "-n", "2", "--json")
    assert done.code == 0
    winners = [json.loads(line).get("winner") for line in done.out.splitlines()]
    assert winners.count("rock") == 2


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_raw_shows_so_many_lines_unchanged(tmp_path: Path, flags: tuple[str, ...]) -> None:
    with SerialBoard(b"rock is at 90 %\r\n") as board:
        done = eitk(tmp_path, "tail", "--port", board.port, "--raw", "-n", "3", *flags)
    assert done.code == 0
    assert len(done.out.splitlines()) == 3
    for line in done.out.splitlines():
        assert (json.loads(line)["text"] if flags else line) == "rock is at 90 %"
    assert re.search("^waiting for lines of the nano33ble board", done.err, re.MULTILINE)
