"""Transcripts of every format are parsed to events; damaged lines give no prediction."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from ei_toolkit.board.protocol.events import Event, Info, Prediction, Unknown, Warning
from ei_toolkit.board.protocol.parser import Parser

TRANSCRIPTS = Path(__file__).parent / "transcripts"


def parse(text: str, threshold: float = 0.6) -> list[Event]:
    parser = Parser(threshold)
    return [event for line in text.splitlines() for event in parser.feed(line)] + parser.flush()


def predictions(text: str, threshold: float = 0.6) -> list[Prediction]:
    return [event for event in parse(text, threshold) if isinstance(event, Prediction)]


def transcript(name: str) -> str:
    return (TRANSCRIPTS / f"{name}.txt").read_text(encoding="utf-8")


def test_a_stock_sketch() -> None:
    first, second = predictions(transcript("stock_sketch"))
    assert first.scores == {"classical": 0.00391, "rock": 0.99609}
    assert (first.winner, first.dsp_us, first.nn_us, first.source) == ("rock", 98000, 205000, "sketch")
    assert second.winner == "uncertain"


def test_a_stock_sketch_without_the_blank_after_the_colon() -> None:
    assert [p.winner for p in predictions(transcript("published_sketch"))] == ["classical"]


def test_current_firmware_with_microseconds_and_an_anomaly_score() -> None:
    first, second = predictions(transcript("sdk"))
    assert (first.winner, first.dsp_us, first.nn_us, first.source) == ("rock", 30000, 205000, "sdk")
    assert (second.dsp_us, second.nn_us) == (870, 205000)


def test_each_prediction_of_eitks_sketch_is_parsed_once() -> None:
    (only,) = predictions(transcript("eitk"))
    assert only.source == "eitk"
    assert (only.q, only.end, only.model, only.led) == ((-128, 127), 48000, "0123456789ab", "red")


@pytest.mark.parametrize(
    ("printed", "labels", "winner"),
    [
        ("uncertain", ("classical", "rock"), "uncertain"),
        ("undecided", ("classical", "rock"), "uncertain"),  # old name, in firmware before 0.3
        ("undecided", ("classical", "undecided"), "undecided"),  # old name, as a label
    ],
)
def test_the_winner_of_an_uncertain_window(printed: str, labels: tuple[str, str], winner: str) -> None:
    line = json.dumps({"eitk": 1, "scores": dict.fromkeys(labels, 0.5), "winner": printed, "led": "blue"})
    assert [prediction.winner for prediction in predictions(line)] == [winner]


def test_the_firmware_with_a_command_prompt() -> None:
    assert [p.winner for p in predictions(transcript("at_firmware"))] == ["rock"]


def test_errors_are_warnings_and_settings_are_information() -> None:
    events = parse("ERR: PDM buffer overrun\n\tSample length: 3000 ms.\nhello")
    assert [type(event) for event in events] == [Warning, Info, Unknown]


@pytest.mark.parametrize(
    "damaged",
    [
        "    rock: 0.19609",  # a digit flipped: the sum is not 1
        "    rock: 9.99609",
        "    rok: 0.99609",  # not a label that this board has
        "    classical: 0.99609",  # the same label twice
    ],
)
def test_a_damaged_block_is_not_a_prediction(damaged: str) -> None:
    header = "Predictions (DSP: 9 ms., Classification: 9 ms., Anomaly: 0 ms.): \n"
    text = transcript("eitk") + header + "    classical: 0.00391\n" + damaged + "\n"
    assert len(predictions(text)) == 1


def lines_to_damage() -> list[str]:
    return [line for file in sorted(TRANSCRIPTS.glob("*.txt")) for line in file.read_text("utf-8").splitlines()]


def damage(line: str, rng: random.Random) -> str:
    """Return a line with one byte dropped, doubled or changed, truncated, or joined with another line."""
    if not line:
        return chr(rng.randrange(1, 0x2FF))
    at = rng.randrange(len(line))
    return rng.choice(
        [
            line[:at] + line[at + 1 :],
            line[: at + 1] + line[at:],
            line[:at] + chr(rng.randrange(32, 127)) + line[at + 1 :],
            line[:at],
            line[at:],
            line[:at] + rng.choice(lines_to_damage()),
        ]
    )


def same(a: Prediction, b: Prediction) -> bool:
    """Whether the winner and the scores are equal; pytest.approx takes most of the time of a comparison."""
    return (
        a.winner == b.winner
        and a.scores.keys() == b.scores.keys()
        and all(abs(score - b.scores[label]) <= 2e-5 for label, score in a.scores.items())
    )


@pytest.mark.parametrize("lines", [10_000, pytest.param(100_000, marks=pytest.mark.exhaustive)])
def test_damaged_lines_raise_no_exception_and_give_no_false_prediction(lines: int) -> None:
    rng, parser, source = random.Random(7), Parser(), lines_to_damage()
    expected = [prediction for file in TRANSCRIPTS.glob("*.txt") for prediction in predictions(file.read_text("utf-8"))]
    count = 0
    for number in range(lines):
        line = rng.choice(source)
        for event in parser.feed(damage(line, rng) if number % 2 else line):
            if isinstance(event, Prediction):
                count += 1
                assert any(same(event, other) for other in expected), event
    assert count > lines // 200
