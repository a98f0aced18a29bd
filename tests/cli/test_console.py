"""stdout has the result only; all messages are on stderr."""

from __future__ import annotations

import io
import json
import re
import threading
import time

import pytest

from ei_toolkit.cli.console import Console
from ei_toolkit.errors import ConfigurationError, JobFailed, UsageError


def make(**flags: bool) -> tuple[Console, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Console(out, err, **flags), out, err


def test_a_result_is_its_view_or_one_json_object() -> None:
    console, out, _ = make()
    console.result({"windows": 3}, "3 windows")
    assert out.getvalue() == "3 windows\n"
    console, out, _ = make(json_output=True)
    console.result({"windows": 3, "label": "früh"}, "3 windows")
    assert json.loads(out.getvalue()) == {"windows": 3, "label": "früh"}
    assert "früh" in out.getvalue()


def test_notes_go_to_stderr_and_brackets_are_not_markup() -> None:
    console, out, err = make()
    console.note("cut [bold] clips")
    assert (out.getvalue(), err.getvalue()) == ("", "cut [bold] clips\n")


@pytest.mark.parametrize("text", ["[slice]\n[[impulse.dsp]]", "Rock [live] [/metal]", "out[bold] :smile:", "x" * 200])
def test_a_result_is_printed_as_it_is(text: str) -> None:
    console, out, _ = make()
    console.result({}, text)
    assert out.getvalue() == text + "\n"


def test_tables_show_brackets_in_heads_and_cells() -> None:
    from rich.console import Group
    from rich.table import Table as RichTable

    from ei_toolkit.report.tables import Table

    raw = RichTable("taken for [live]")
    raw.add_row("[/metal]")
    console, out, _ = make()
    console.result({}, Group(raw, Table("[rock]", ("[head]",), (("[cell]",),)).rich(), "[line]"))
    for text in ("taken for [live]", "[/metal]", "[rock]", "[head]", "[cell]", "[line]"):
        assert text in out.getvalue()
    assert "\\" not in out.getvalue()


def test_a_progress_bar_shows_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    console, _, err = make()
    monkeypatch.setattr(err, "isatty", lambda: True, raising=False)
    with console.progress("playing a[live].wav", 2) as progress:
        progress.advance(1, "b[/live].wav")
    assert "playing a[live].wav" in err.getvalue()


def test_a_narrow_terminal_folds_long_names(monkeypatch: pytest.MonkeyPatch) -> None:
    from ei_toolkit.report.tables import Table

    monkeypatch.setenv("COLUMNS", "60")
    console, out, _ = make()
    monkeypatch.setattr(out, "isatty", lambda: True, raising=False)
    console.result({}, Table("", ("id", "name"), ((1, "n" * 100),)).rich())
    assert out.getvalue().count("n") == 101  # with that of the head
    assert "…" not in out.getvalue()


def test_nan_and_infinity_are_null_in_json() -> None:
    console, out, _ = make(json_output=True)
    console.result({"a": [float("nan"), 1.5], "b": {"c": float("inf")}})
    console.event({"score": float("nan")})
    lines = [json.loads(line, parse_constant=pytest.fail) for line in out.getvalue().splitlines()]
    assert lines == [{"a": [None, 1.5], "b": {"c": None}}, {"score": None}]


def test_a_question_without_a_terminal_is_an_error_with_a_hint() -> None:
    console, _, _ = make()
    with pytest.raises(UsageError) as caught:
        console.confirm("delete all?")
    assert "delete all?" in caught.value.what
    assert "--yes" in caught.value.hint


def test_quiet_suppresses_notes_but_not_warnings() -> None:
    console, _, err = make(quiet=True)
    console.note("working")
    console.warn("three clips were skipped")
    assert err.getvalue() == "warning: three clips were skipped\n"


def test_details_are_printed_with_verbose_only() -> None:
    for verbose in (False, True):
        console, _, err = make(verbose=verbose)
        console.detail("GET /projects")
        assert bool(err.getvalue()) is verbose


def test_an_error_is_printed_with_its_reason_and_hint() -> None:
    console, out, err = make()
    console.error(ConfigurationError("fft_length = 63 is refused", why="it is no power of two", hint="Use 64."))
    assert err.getvalue().split("\n")[:3] == [
        "error: fft_length = 63 is refused",
        "  why: it is no power of two",
        "  try: Use 64.",
    ]
    assert out.getvalue() == ""


def test_a_failed_job_shows_its_last_lines() -> None:
    console, _, err = make()
    console.error(JobFailed("training failed", log=("Epoch 1/30", "out of memory")))
    assert "  | out of memory\n" in err.getvalue()


def test_a_note_beside_a_bar_is_a_line_of_its_own_above_it(monkeypatch: pytest.MonkeyPatch) -> None:
    console, _, err = make()
    monkeypatch.setattr(err, "isatty", lambda: True, raising=False)
    with console.progress("slicing clips", 22):
        console.note("labels: the folders")
        console.warn("2 clips are short")
    shown = re.split(r"[\r\n]", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", err.getvalue()))
    assert {"labels: the folders", "warning: 2 clips are short"} <= set(shown)


def test_progress_without_a_terminal_is_a_line_every_thirty_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 40.0])
    monkeypatch.setattr("ei_toolkit.cli.console.time.monotonic", lambda: next(clock))
    console, _, err = make()
    with console.progress("slicing", total=100) as progress:
        progress.advance(20)
        progress.advance(20, "rock.00012")
    assert err.getvalue() == "slicing: 40/100 (1.0/s, 60 s left) rock.00012\n"


def test_the_title_of_work_that_takes_a_second_is_printed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ei_toolkit.cli.console.PLAIN_FIRST_S", 0.005)
    console, _, err = make()
    with console.progress("computing features"):
        time.sleep(0.05)
    assert err.getvalue() == "computing features …\n"


def test_the_title_of_short_work_is_not_printed() -> None:
    console, _, err = make()
    with console.progress("computing features"):
        timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    for timer in timers:
        timer.join(5)
    assert (len(timers), err.getvalue()) == (1, "")


def test_quiet_progress_prints_nothing() -> None:
    console, _, err = make(quiet=True)
    with console.progress("slicing") as progress:
        progress.to(5)
    assert (progress.done, err.getvalue()) == (5, "")


def test_an_event_is_one_line_of_json() -> None:
    console, out, _ = make()
    console.event({"winner": "rock"})
    console.event({"winner": "classical"})
    assert [json.loads(line)["winner"] for line in out.getvalue().splitlines()] == ["rock", "classical"]


UNTRUSTED = "\x1b[2J\x1b]0;t\x07he\u202ello\x9b\x00"
SHOWN = "he\ufffdllo\ufffd\ufffd"


def test_no_output_has_control_characters_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from ei_toolkit.report.tables import Table

    monkeypatch.setenv("TERM", "xterm")
    console, out, err = make(verbose=True)
    console.note(UNTRUSTED)
    console.detail(UNTRUSTED)
    console.warn(UNTRUSTED)
    console.error(JobFailed(UNTRUSTED, why=UNTRUSTED, hint=UNTRUSTED, log=(UNTRUSTED,)))
    console.result({}, UNTRUSTED)
    console.result({}, Table(UNTRUSTED, (UNTRUSTED,), ((UNTRUSTED,),)).rich())
    console.line(UNTRUSTED)
    console.rich(console.stdout).print(UNTRUSTED)  # a view that does not clean its text itself
    assert "\x1b" not in out.getvalue()
    assert (out.getvalue().count(SHOWN), err.getvalue().count(SHOWN)) == (6, 7)
    assert not {"\x1b", "\u202e", "\x9b", "\x00"} & set(out.getvalue() + err.getvalue())


def test_json_has_escapes_in_place_of_control_characters() -> None:
    console, out, _ = make(json_output=True)
    console.result({"name": UNTRUSTED})
    console.event({"name": UNTRUSTED})
    assert not {"\x1b", "\u202e", "\x9b", "\x00"} & set(out.getvalue())
    assert [json.loads(line) for line in out.getvalue().splitlines()] == [{"name": UNTRUSTED}] * 2
