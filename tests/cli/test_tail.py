"""`eitk tail`: times on the command line, and what each kind of output shows."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import eitk

from ei_toolkit.board.protocol.events import Event, Info, Prediction, Unknown, Warning
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.tail import _shown, parse_duration
from ei_toolkit.config import BoardSettings
from ei_toolkit.errors import UsageError

ROCK = Prediction({"rock": 0.75, "classical": 0.25}, "rock", "eitk")
EVENTS: list[Event] = [Info("Edge Impulse Inferencing"), Info("hello"), ROCK, Warning("overrun"), Unknown("%$§")]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("5m", 300), ("1h", 3600), ("12", 12), ("500ms", 0.5), ("1.5m", 90), (" 3s ", 3), ("0", 0)],
)
def test_a_time_has_a_unit_or_is_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "-5s", "5 s", "1d", "1e3", "5M", ".5s", "5s5"])
def test_another_text_is_not_a_time(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time") as caught:
        parse_duration(text)
    assert repr(text) in caught.value.what
    assert caught.value.hint == "Write 45s, 5m or 1h."


@given(st.integers(0, 10**6), st.sampled_from(["ms", "s", "m", "h", ""]))
def test_every_whole_number_with_a_unit_is_a_time(number: int, unit: str) -> None:
    factor = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "": 1}[unit]
    assert parse_duration(f"{number}{unit}") == pytest.approx(number * factor)


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
    assert err.splitlines() == ["hello", "warning: overrun", "%$§"]


def test_quiet_leaves_predictions_and_warnings(tmp_path: Path) -> None:
    out, err = streams(tmp_path, quiet=True)
    assert out.count("\n") == 1
    assert err == "warning: overrun\n"


def test_for_programs_every_event_is_a_line_of_json_on_stdout(tmp_path: Path) -> None:
    out, err = streams(tmp_path, json_output=True)
    assert [json.loads(line)["event"] for line in out.splitlines()] == [
        "info", "info", "prediction", "warning", "unknown",
    ]  # fmt: skip
    assert err == ""


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--for", "soon"), 2, "'soon' is not a time"),
        (("--count", "0"), 2, "--count"),
        (("--board", "uno"), 3, "board.name = 'uno' is not one of"),
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
