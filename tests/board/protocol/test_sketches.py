"""The text of Edge Impulse's sketches of several years: headers, indents, ends of lines and numbers of decimals."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.board.protocol.events import Event, Info, Prediction, Unknown, Warning
from ei_toolkit.board.protocol.parser import LineSplitter, Parser

HEADERS: dict[str, tuple[int | None, int | None]] = {
    "Predictions (DSP: 98 ms., Classification: 205 ms., Anomaly: 0 ms.): ": (98_000, 205_000),
    "Predictions (DSP: 123 us., Classification: 205 ms., Anomaly: 0 us.):": (123, 205_000),
    "Predictions (DSP: 98 ms, Classification: 205 ms):": (98_000, 205_000),
    "Predictions (DSP: 98 ms., Classification: 205 ms., Anomaly: 0 ms., SPI Capture: 3 ms.):": (98_000, 205_000),
    "Predictions (time: 205 ms.):": (None, 205_000),
    "Predictions:": (None, None),
    "Timing: DSP 98 ms, inference 205 ms, anomaly 0 ms\nPredictions:": (98_000, 205_000),
    "Timing: DSP 98 ms, inference 205 ms\nPredictions:": (98_000, 205_000),
    "Timing: DSP 98 ms, Classification 205 ms, Anomaly 0 ms\nClassification results:": (98_000, 205_000),
    "Timing: DSP 870.5 us, inference 2.5 ms, anomaly 0 ms\n#Classification predictions:": (870, 2500),
    "Timing: DSP 98 ms, inference 205 ms, anomaly 0 ms, postprocessing 7 us\n#Classification results:": (98_000, 205_000),  # noqa: E501
}  # fmt: skip


def parse(text: str, end: str = "\r\n") -> list[Event]:
    parser, lines = Parser(), LineSplitter().add(text.replace("\n", end).encode())
    return [event for line in lines for event in parser.feed(line)] + parser.flush()


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\n\r"])
def test_each_header_and_end_of_line(header: str, end: str) -> None:
    block = f"{header}\n  classical: 0.10000\n  rock: 0.90000\n"
    events = parse(block * 3, end)
    assert [(event.scores, event.winner) for event in events if isinstance(event, Prediction)] == [
        ({"classical": 0.1, "rock": 0.9}, "rock")
    ] * 3
    assert len(events) == 3
    assert {(event.dsp_us, event.nn_us) for event in events if isinstance(event, Prediction)} == {HEADERS[header]}


@pytest.mark.parametrize(
    ("indent", "gap", "decimals"),
    list(product(["", "  ", "    ", "\t"], [" ", "\t", "        ", ""], [2, 3, 4, 5, 6, 8])),
)
def test_each_indent_gap_and_number_of_decimals(indent: str, gap: str, decimals: int) -> None:
    lines = "".join(f"{indent}{label}:{gap}{score:.{decimals}f}\n" for label, score in (("a b", 0.25), ("rock", 0.75)))
    (event,) = parse("Predictions:\n" + lines)
    assert isinstance(event, Prediction)
    assert event.scores == {"a b": 0.25, "rock": 0.75}


@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=10), st.integers(2, 7))
def test_rounded_scores_are_a_prediction(weights: list[float], decimals: int) -> None:
    lines = "".join(f"  l{i}: {weight / sum(weights):.{decimals}f}\n" for i, weight in enumerate(weights))
    assert [type(event) for event in parse("Predictions:\n" + lines)] == [Prediction]


@pytest.mark.parametrize(
    "lines",
    [
        "  a: 0.10000\n  rock: 0.9000\n",  # a digit is missing
        "  a: 0.10000\n rock: 0.90000\n",  # a blank is missing: so may be a letter of a label without an indent
        "  a: 0.10\n  rock: 0.80\n",  # the sum is not 1
    ],
)
def test_a_block_whose_lines_do_not_fit_together_is_no_prediction(lines: str) -> None:
    assert {type(event) for event in parse("Predictions:\n" + lines)} == {Unknown}


@pytest.mark.parametrize("anomaly", ["anomaly:\t0.123", "    anomaly score: 0.123", "Anomaly prediction: -0.123", ""])
def test_an_anomaly_score_is_not_a_label(anomaly: str) -> None:
    (event,) = parse(f"Predictions:\na:\t0.25000\nrock:\t0.75000\n{anomaly}\n")
    assert isinstance(event, Prediction)
    assert list(event.scores) == ["a", "rock"]


def test_anomaly_can_be_a_label() -> None:
    (event,) = parse("Predictions:\n  normal: 0.25000\n  anomaly: 0.75000\n")
    assert isinstance(event, Prediction)
    assert event.winner == "anomaly"


@pytest.mark.parametrize("lines", ["[a: 0.25000, rock: 0.75000]\n", "[0.25, 0.75]\na: 0.25000\nrock: 0.75000\n"])
def test_scores_in_brackets(lines: str) -> None:
    (event,) = parse("Predictions (DSP: 1 ms., Classification: 2 ms., Anomaly: 0 ms.): \n" + lines)
    assert isinstance(event, Prediction)
    assert event.scores == {"a": 0.25, "rock": 0.75}


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("run_classifier returned: 0", Info),
        ("run_classifier returned: -3", Warning),
        ("Edge Impulse standalone inferencing (Arduino)", Info),
    ],
)
def test_other_lines_of_sketches(line: str, kind: type[Event]) -> None:
    assert [type(event) for event in parse(line + "\n")] == [kind]


def test_the_last_line_of_a_board_without_line_feeds_does_not_wait_for_the_next() -> None:
    splitter = LineSplitter()
    assert splitter.add(b"rock: 0.9\r") == ["rock: 0.9"]
    assert splitter.add(b"\nnext\r\n") == ["next"]
