"""What `eitk tail` shows for the events of a board, on a terminal and line by line."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console, RenderableType

from ei_toolkit.board.protocol.events import Event, Info, Prediction, Unknown, Warning
from ei_toolkit.report import tail_view
from ei_toolkit.report.tail_view import BAR_COLUMNS, HISTORY_S, View, info_text, plain_line

RATE = 16_000
ROCK = Prediction({"rock": 0.75, "classical": 0.25}, "rock", "eitk")
UNCERTAIN = replace(ROCK, scores={"rock": 0.5, "classical": 0.5}, winner="uncertain")
COLOURS = {"rock": "red", "classical": "green"}
Shown = Callable[[RenderableType], str]


def view(*events: Event) -> View:
    made = View("emulated", COLOURS)
    for event in events:
        made.add(event)
    return made


def test_before_the_first_prediction_the_view_waits_or_shows_the_last_note(on_terminal: Shown) -> None:
    assert "waiting for the first prediction" in on_terminal(view().render())
    assert "the microphone restarts" in on_terminal(view(Info("", {"state": "running"})).render())
    assert "emulated" in on_terminal(view().render())


def test_the_winner_and_every_score_are_on_terminal(on_terminal: Shown) -> None:
    text = on_terminal(view(ROCK).render())
    assert "● rock" in text
    assert "0.750" in text and "0.250" in text
    bars = {line.split()[1]: line.count("━") for line in text.splitlines() if "╌" in line}
    assert bars == {"rock": round(0.75 * BAR_COLUMNS), "classical": round(0.25 * BAR_COLUMNS)}


@pytest.mark.parametrize(("score", "filled"), [(0.0, 0), (1.0, BAR_COLUMNS), (1.7, BAR_COLUMNS), (-0.2, 0)])
def test_a_bar_stays_within_its_columns(on_terminal: Shown, score: float, filled: int) -> None:
    text = on_terminal(view(replace(ROCK, scores={"rock": score})).render())
    (line,) = [line for line in text.splitlines() if f"{score:.3f}" in line]
    assert (line.count("━"), line.count("━") + line.count("╌")) == (filled, BAR_COLUMNS)


@pytest.mark.parametrize("width", [40, 50, 80])
def test_a_narrow_terminal_has_shorter_bars_and_the_last_seconds(width: int) -> None:
    scores = {"classical": 1.0, "hiphop": 0.5, "rock": 0.0}
    made = view(*(at(second, replace(ROCK, scores=scores, level_dbfs=-30.0)) for second in range(100)))
    out = io.StringIO()
    Console(file=out, width=width).print(made.render())
    lines = out.getvalue().splitlines()
    bars = {line.split()[1]: line for line in lines if "╌" in line or "━" in line}
    columns = bars["rock"].count("╌")
    half = round(columns / 2)
    assert 10 < columns <= BAR_COLUMNS
    assert [bars[name].count("━") for name in ("classical", "hiphop", "level")] == [columns, half, half]
    assert "…" not in out.getvalue() and {len(line) for line in lines} == {min(width, 64)}
    assert strip_of(out.getvalue()).count("█") == min(width, 64) - 4


@pytest.mark.parametrize(("level", "share"), [(-60.0, 0.0), (-30.0, 0.5), (0.0, 1.0), (-96.0, 0.0), (3.0, 1.0)])
def test_the_level_is_in_decibels_relative_to_full_scale(on_terminal: Shown, level: float, share: float) -> None:
    text = on_terminal(view(replace(ROCK, level_dbfs=level)).render())
    (line,) = [line for line in text.splitlines() if "dBFS" in line]
    assert f"{level:.0f} dBFS" in line
    assert line.count("━") == round(share * tail_view.METER_COLUMNS)


def test_a_board_that_does_not_measure_the_level_has_no_meter(on_terminal: Shown) -> None:
    assert "dBFS" not in on_terminal(view(ROCK).render())


def test_times_are_shown_in_milliseconds_if_both_are_known(on_terminal: Shown) -> None:
    both = on_terminal(view(replace(ROCK, dsp_us=12_340, nn_us=4_560, overruns=2)).render())
    assert "17 ms (features 12 + network 4.6) emulated" in both
    assert "overruns" in both
    assert "network" not in on_terminal(view(replace(ROCK, dsp_us=12_340)).render())


@pytest.mark.parametrize(
    ("board", "mark"), [("emulated", " emulated"), ("host", " on this machine"), ("nano33ble", ""), ("", "")]
)
def test_the_time_of_a_virtual_board_is_marked_and_that_of_a_real_one_is_not(board: str, mark: str) -> None:
    line = plain_line(replace(ROCK, dsp_us=12_340, nn_us=4_560), board)
    assert line.endswith(f"12.3+4.6 ms{mark}")


def strip_of(text: str) -> str:
    """The line of the last minute, without the frame."""
    (line,) = [line for line in text.splitlines() if "█" in line or "▂" in line]
    return line.strip("│").rstrip()


def at(second: float, prediction: Prediction = ROCK) -> Prediction:
    return replace(prediction, end=round(second * RATE))


def test_the_last_minute_has_one_character_a_second(on_terminal: Shown) -> None:
    text = on_terminal(view(at(3), at(4, UNCERTAIN), at(6)).render())
    assert strip_of(text).endswith("█▂ █")
    assert strip_of(text).count("█") == 2


def test_the_last_prediction_of_a_second_counts(on_terminal: Shown) -> None:
    assert strip_of(on_terminal(view(at(3.0), at(3.5, UNCERTAIN)).render())).endswith(" ▂")


def test_predictions_older_than_a_minute_are_forgotten() -> None:
    made = view(*(at(second) for second in range(100)))
    assert len(made.history) == HISTORY_S + 1
    assert made.history[0][0] == 99 - HISTORY_S
    assert made.predictions == 100


def test_a_restarted_microphone_starts_a_new_minute() -> None:
    made = view(at(50), at(51), at(1))
    assert [time for time, _ in made.history] == [1.0]
    assert made.predictions == 3


def test_without_a_clock_of_the_board_that_of_this_machine_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(tail_view.time, "monotonic", lambda: now[0])
    made = view(ROCK)
    now[0] += HISTORY_S + 1
    made.add(ROCK)
    assert [time for time, _ in made.history] == [1000.0 + HISTORY_S + 1]


def test_the_footer_counts_predictions_and_time(on_terminal: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(tail_view.time, "monotonic", lambda: now[0])
    made = View("emulated", COLOURS, started=0.0)
    made.add(ROCK)
    made.add(ROCK)
    now[0] = 125.9
    assert "2 predictions in 2:05" in on_terminal(made.render())


def test_a_warning_stays_below_the_predictions(on_terminal: Shown) -> None:
    text = on_terminal(view(Warning("the microphone buffer overran"), ROCK).render())
    assert text.index("prediction in") < text.index("the microphone buffer overran")


def test_an_information_without_a_text_keeps_the_note_before_it() -> None:
    assert view(Warning("overrun"), Info("Edge Impulse Inferencing")).note == "overrun"


def test_colours_are_those_of_the_settings_and_blue_for_uncertain() -> None:
    made = view()
    assert [made._colour(label) for label in ("rock", "jazz", "uncertain")] == [
        "rgb(255,0,0)", "rgb(255,255,255)", "rgb(0,0,255)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (ROCK, "rock        rock 0.750  classical 0.250"),
        (at(1.5), "   1.50 s  rock        rock 0.750  classical 0.250"),
        (replace(ROCK, dsp_us=1000), "rock        rock 0.750  classical 0.250"),
        (replace(ROCK, dsp_us=1000, nn_us=2550), "rock        rock 0.750  classical 0.250  1.0+2.5 ms"),
        (Warning("overrun"), "overrun"),
        (Unknown("garbage"), "garbage"),
        (Info("Frame size: 480"), ""),
        (Info("hello"), "hello"),
    ],
)  # fmt: skip
def test_events_as_lines(event: Event, line: str) -> None:
    assert plain_line(event) == line


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"state": "running"}, "the microphone restarts"),
        ({"state": "paused"}, "the board is paused"),
        ({"info": {"model": "abc", "labels": ["a", "b"], "threshold": 0.6}},
         "model abc, labels ['a', 'b'], threshold 0.6"),
        ({"selftest": {"ok": True, "scores_crc": "1f"}}, "self-test: ok, scores 1f"),
        ({"selftest": {"ok": False, "scores_crc": "1f"}}, "self-test: failed, scores 1f"),
        ({"selftest": "nonsense"}, "a line"),
        ({}, "a line"),
    ],
)  # fmt: skip
def test_information_of_the_board_as_text(data: dict[str, Any], text: str) -> None:
    assert info_text(Info("a line", data)) == text
