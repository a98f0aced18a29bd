"""Events of a board as JSON lines, CSV and text, on a stream or in a file."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.board.protocol.events import Event, Info, Prediction, Unknown, Warning
from ei_toolkit.errors import UsageError
from ei_toolkit.report.event_sinks import COLUMNS, both, csv_rows, json_lines, log_file, rate_limited, text_lines

ROCK = Prediction({"rock": 0.75, "größe, 2": 0.25}, "rock", "eitk", dsp_us=12_000, nn_us=3400, seq=4, end=32_000)
EVENTS: list[Event] = [ROCK, Info("Edge Impulse Inferencing"), Warning("overrun"), Unknown("%$§")]


def test_each_event_is_one_line_of_json() -> None:
    stream = io.StringIO()
    write = json_lines(stream)
    for event in EVENTS:
        write(event)
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [one["event"] for one in found] == ["prediction", "info", "warning", "unknown"]
    assert found[0]["scores"] == {"rock": 0.75, "größe, 2": 0.25}
    assert "größe" in stream.getvalue()
    assert "overruns" not in found[0]
    assert datetime.fromisoformat(found[0]["time"]).tzinfo is not None


@given(st.text())
def test_no_text_of_a_board_breaks_a_line_of_json(text: str) -> None:
    stream = io.StringIO()
    json_lines(stream)(Unknown(text))
    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue())["text"] == text


def test_csv_has_a_header_and_predictions_only() -> None:
    stream = io.StringIO(newline="")
    write = csv_rows(stream)
    for event in EVENTS:
        write(event)
    stream.seek(0)
    (row,) = csv.DictReader(stream)
    assert tuple(row) == COLUMNS
    assert (row["winner"], row["seq"], row["end"], row["dsp_us"], row["overruns"]) == (
        "rock",
        "4",
        "32000",
        "12000",
        "",
    )
    assert json.loads(row["scores"]) == {"rock": 0.75, "größe, 2": 0.25}


def test_text_has_the_time_and_leaves_out_what_is_not_shown() -> None:
    stream = io.StringIO()
    write = text_lines(stream)
    for event in EVENTS:
        write(event)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3  # the banner of a stock sketch is left out
    stamp, _, text = lines[0].partition("  ")
    assert datetime.fromisoformat(stamp)
    assert text == "   2.00 s  rock        rock 0.750  größe, 2 0.250  12.0+3.4 ms"
    assert lines[1].endswith("  overrun")


def test_a_limited_rate_applies_to_predictions_only() -> None:
    now = [0.0]
    seen: list[Event] = []
    write = rate_limited(seen.append, 2.0, lambda: now[0])
    for time in (0.0, 1.0, 1.99, 2.0, 3.9, 4.1):
        now[0] = time
        write(ROCK)
        write(Warning(str(time)))
    assert seen.count(ROCK) == 3
    assert len(seen) == 3 + 6


def test_two_sinks_get_every_event() -> None:
    first: list[Event] = []
    second: list[Event] = []
    both(first.append, second.append)(ROCK)
    assert first == second == [ROCK]


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.csv", "time,seq,"), ("a.JSON", '{"time"'), ("a.jsonl", '{"time"'), ("a.ndjson", '{"time"'), ("a.log", "20"),
     ("a.txt", "20")],
)  # fmt: skip
def test_the_suffix_of_a_file_is_its_format(tmp_path: Path, name: str, start: str) -> None:
    with log_file(tmp_path / name) as write:
        write(ROCK)
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_a_file_is_complete_line_by_line(tmp_path: Path) -> None:
    with log_file(tmp_path / "a.jsonl") as write:
        write(ROCK)
        assert json.loads((tmp_path / "a.jsonl").read_text())["winner"] == "rock"


def test_without_a_file_nothing_is_written(tmp_path: Path) -> None:
    with log_file(None) as write:
        write(ROCK)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.xlsx", "a", ".csv"])
def test_another_suffix_is_an_error_with_those_that_exist(tmp_path: Path, name: str) -> None:
    with (
        pytest.raises(UsageError, match=f"the suffix of {name} is not a log format") as caught,
        log_file(tmp_path / name),
    ):
        pass
    assert caught.value.hint == "Use one of .csv, .json, .jsonl, .ndjson, .log, .txt."
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "gone" / "a.csv"
    with pytest.raises(UsageError, match="cannot be written") as caught, log_file(file):
        pass
    assert str(file) in caught.value.what


def test_a_number_that_json_does_not_have_is_null_in_a_line_of_json() -> None:
    stream = io.StringIO()
    json_lines(stream)(Info("", {"level": float("nan")}))
    assert json.loads(stream.getvalue(), parse_constant=pytest.fail)["data"] == {"level": None}
