"""One line at a time: which event a line becomes, and which damage makes it an unknown line."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.board.protocol.events import Event, Info, Prediction, Unknown, Warning, event_json
from ei_toolkit.board.protocol.parser import MAX_LABELS, MAX_LINE_BYTES, LineSplitter, Parser

HEADER = "Predictions (DSP: 98 ms., Classification: 205 ms., Anomaly: 0 ms.): "
GOOD: dict[str, Any] = {
    "eitk": 1, "seq": 3, "end": 48_000, "ms": 3008, "model": "0123456789ab", "level_dbfs": -20.8,
    "scores": {"classical": 0.25, "rock": 0.75}, "q": [-64, 64], "winner": "rock", "led": "red",
    "dsp_us": 45_355, "nn_us": 2, "overruns": 0,
}  # fmt: skip


def parse(*lines: str, threshold: float = 0.6) -> list[Event]:
    parser = Parser(threshold)
    return [event for line in lines for event in parser.feed(line)] + parser.flush()


def sketch_block(**scores: float) -> list[str]:
    return [HEADER, *(f"    {label}: {score:.5f}" for label, score in scores.items())]


@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=8), st.floats(0, 1))
def test_scores_of_a_sketch_with_five_decimals_are_a_prediction(weights: list[float], threshold: float) -> None:
    scores = {f"label {i}": round(weight / sum(weights), 5) for i, weight in enumerate(weights)}
    (event,) = parse(*sketch_block(**scores), threshold=threshold)
    assert isinstance(event, Prediction)
    assert event.scores == pytest.approx(scores)
    best = max(event.scores, key=lambda label: event.scores[label])
    assert event.winner == (best if event.scores[best] >= threshold else "uncertain")


@given(st.lists(st.integers(0, 256), min_size=1, max_size=5))
def test_scores_of_an_int8_model_are_a_prediction(cuts: list[int]) -> None:
    parts = [high - low for low, high in pairwise(sorted([0, *cuts, 256]))]
    (event,) = parse(*sketch_block(**{f"l{i}": part / 256 for i, part in enumerate(parts)}))
    assert isinstance(event, Prediction)


@pytest.mark.parametrize(("steps", "kind"), [(256, Prediction), (255, Prediction), (257, Prediction), (253, Unknown)])
def test_rounded_scores_of_an_int8_model_may_miss_the_sum_by_a_step(steps: int, kind: type[Event]) -> None:
    assert type(parse(*sketch_block(a=100 / 256, b=(steps - 100) / 256))[0]) is kind


def test_a_label_that_is_printed_twice_is_damage() -> None:
    events = parse(*sketch_block(a=0.25, b=0.75), "    a: 0.25000")
    assert [type(event) for event in events] == [Unknown] * 4


@pytest.mark.parametrize("unit", ["ms", "us"])
def test_times_of_the_sdk_are_in_its_unit(unit: str) -> None:
    lines = (
        f"Timing: DSP 30 {unit}, inference 205 {unit}, anomaly 0 {unit}, postprocessing 1 {unit}",
        "#Classification results:",
    )
    (event,) = parse(*lines, "  a: 0.250000", "  b: 0.750000")
    factor = 1000 if unit == "ms" else 1
    assert isinstance(event, Prediction)
    assert (event.dsp_us, event.nn_us, event.source) == (30 * factor, 205 * factor, "sdk")


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("ERR: failed to allocate", Warning),
        ("Failed to run impulse (-5)", Warning),
        ("Not a valid AT command (AT+FOO)", Warning),
        ("ERRATIC", Unknown),
        ("Starting inferencing in 2 seconds...", Info),
        ("\tSample length: 3000 ms.", Info),
        ("> ", Info),
        ("Features (10 ms.): 0.1 0.2", Info),
        ("Predictions (DSP: x ms., Classification: 1 ms., Anomaly: 0 ms.):", Unknown),
        ("{not json", Unknown),
        ("[1, 2]", Unknown),
        ('{"eitk": 2, "scores": {}}', Unknown),
        ('{"eitk": true, "info": {}}', Unknown),
        ('{"a": ' * 2000, Unknown),
    ],
)
def test_each_line_becomes_one_event(line: str, kind: type[Event]) -> None:
    (event,) = parse(line)
    assert type(event) is kind


@pytest.mark.parametrize("line", ["", " ", "\t"])
def test_an_empty_line_is_no_event(line: str) -> None:
    assert parse(line) == []


def test_a_block_ends_with_the_first_line_that_does_not_continue_it() -> None:
    events = parse(*sketch_block(a=0.25, b=0.75), "Recording done", *sketch_block(a=1.0, b=0.0))
    assert [type(event) for event in events] == [Prediction, Info, Prediction]


def test_a_block_without_scores_is_unknown() -> None:
    assert parse(HEADER, HEADER) == [Unknown(HEADER), Unknown(HEADER)]


def test_a_line_of_an_anomaly_score_does_not_end_a_block() -> None:
    events = parse(*sketch_block(a=0.25), "    anomaly score: -0.123", "    b: 0.75000")
    assert [event.scores for event in events if isinstance(event, Prediction)] == [{"a": 0.25, "b": 0.75}]


def test_more_labels_than_a_board_has_are_not_a_prediction() -> None:
    many = {f"label {i}": 0.0 for i in range(MAX_LABELS)} | {"last": 1.0}
    assert {type(event) for event in parse(*sketch_block(**many))} == {Unknown}


def test_labels_may_contain_spaces_colons_and_any_script() -> None:
    lines = [HEADER, "    hip hop: live: 0.25000", "    größe 音楽: 0.75000"]
    (event,) = parse(*lines)
    assert isinstance(event, Prediction)
    assert list(event.scores) == ["hip hop: live", "größe 音楽"]


def test_a_json_line_has_all_values_of_the_prediction() -> None:
    (event,) = parse(json.dumps(GOOD))
    assert isinstance(event, Prediction)
    assert event_json(event) == {
        "event": "prediction",
        "source": "eitk",
        **{k: v for k, v in GOOD.items() if k != "eitk"},
    }


@pytest.mark.parametrize(
    "change",
    [
        {"scores": {"classical": 0.25, "rock": 0.5}},
        {"scores": {"classical": 0.25, "rock": True}},
        {"scores": {"classical": 0.25, "rock": "0.75"}},
        {"scores": [0.25, 0.75]},
        {"scores": {}},
        {"winner": "pop"},
        {"winner": None},
        {"seq": -1},
        {"end": 1.5},
        {"ms": "3008"},
        {"dsp_us": True},
        {"nn_us": 1e30},
        {"level_dbfs": "quiet"},
        {"level_dbfs": float("nan")},
        {"model": 5},
        {"led": ["red"]},
        {"q": [-64]},
        {"q": [-64, 65]},
        {"q": [-64, 64.0]},
        {"q": "-64"},
    ],
)
def test_a_json_line_with_a_value_that_cannot_be_is_unknown(change: dict[str, Any]) -> None:
    line = json.dumps(GOOD | change)
    assert parse(line) == [Unknown(line)]


@pytest.mark.parametrize("name", [name for name in GOOD if name not in ("eitk", "scores", "winner")])
def test_each_further_value_may_be_missing(name: str) -> None:
    (event,) = parse(json.dumps({key: value for key, value in GOOD.items() if key != name}))
    assert isinstance(event, Prediction)
    assert getattr(event, name) is None and name not in event_json(event)


def test_a_prediction_with_other_labels_than_the_board_has_is_unknown() -> None:
    start = json.dumps({"eitk": 1, "info": {"labels": ["classical", "rock"]}})
    other = json.dumps(GOOD | {"scores": {"jazz": 0.25, "rock": 0.75}})
    events = parse(start, other, json.dumps(GOOD))
    assert [type(event) for event in events] == [Info, Unknown, Prediction]


@pytest.mark.parametrize("labels", [[], "rock", [1, 2], None])
def test_labels_that_are_none_are_not_taken(labels: object) -> None:
    assert type(parse(json.dumps({"eitk": 1, "info": {"labels": labels}}), json.dumps(GOOD))[1]) is Prediction


def test_half_a_surrogate_pair_in_a_label_can_be_printed() -> None:
    (event,) = parse('{"eitk":1,"scores":{"\\ud83d":0.25,"\\ud83c\\udfb5":0.75},"winner":"\\ud83d"}')
    assert isinstance(event, Prediction)
    assert list(event.scores) == ["\N{REPLACEMENT CHARACTER}", "\N{MUSICAL NOTE}"]
    assert str(event_json(event)).encode()


def test_a_json_line_that_repeats_a_block_replaces_it() -> None:
    (event,) = parse(*sketch_block(classical=0.25, rock=0.75), json.dumps(GOOD))
    assert isinstance(event, Prediction) and event.source == "eitk"
    both = parse(*sketch_block(classical=0.5, rock=0.5), json.dumps(GOOD))
    assert [event.source for event in both if isinstance(event, Prediction)] == ["sketch", "eitk"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (Info("text"), {"event": "info", "text": "text"}),
        (Info("t", {"state": "running"}), {"event": "info", "text": "t", "data": {"state": "running"}}),
        (Warning("ERR: x"), {"event": "warning", "text": "ERR: x"}),
        (Unknown("?"), {"event": "unknown", "text": "?"}),
        (Prediction({"a": 1.0}, "a", "sdk", 9, q=(127,)),
         {"event": "prediction", "scores": {"a": 1.0}, "winner": "a", "source": "sdk", "dsp_us": 9, "q": [127]}),
    ],
)  # fmt: skip
def test_an_event_is_one_json_object_without_missing_values(event: Event, expected: dict[str, Any]) -> None:
    assert json.loads(json.dumps(event_json(event))) == expected


@given(st.lists(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs", "Cc"]), max_size=20)))
def test_lines_come_out_as_they_were_printed(lines: list[str]) -> None:
    assert LineSplitter().add("".join(f"{line}\r\n" for line in lines).encode()) == lines


def test_bytes_that_are_not_utf_8_are_replaced() -> None:
    assert LineSplitter().add(b"a\xff\xfeb\n") == ["a��b"]


def test_a_line_of_the_largest_length_is_kept_and_one_more_byte_drops_it() -> None:
    splitter = LineSplitter()
    assert splitter.add(b"x" * MAX_LINE_BYTES + b"\n") == ["x" * MAX_LINE_BYTES]
    assert splitter.add(b"x" * (MAX_LINE_BYTES + 1) + b"\nnext\n") == ["next"]
