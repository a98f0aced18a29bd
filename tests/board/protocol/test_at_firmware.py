"""The start of AT firmware: which bytes are sent, and that no byte of the board is lost."""

from __future__ import annotations

from typing import Any

import pytest

from ei_toolkit.board.protocol import at_firmware
from ei_toolkit.board.protocol.events import Info


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANSWER_TIMEOUT_S", "PROMPT_TIMEOUT_S", "CHUNK_PAUSE_S"):
        monkeypatch.setattr(at_firmware, name, 0.03)


def test_a_sketch_that_answers_is_left_as_it_is(scripted: Any) -> None:
    link = scripted(answers={b"?\n": b'{"eitk":1,"info":{}}\n'})
    assert at_firmware.begin(link) == []
    assert link.written == b"?\n"
    assert link.read(0) == b'{"eitk":1,"info":{}}\n'  # the answer is read again


def test_a_stopped_sketch_is_started(scripted: Any) -> None:
    answer = b'{"eitk":1,"info":{"labels":["a"],"state":"stopped"}}\r\n'
    link = scripted(answer[:9], answer[9:])
    assert at_firmware.begin(link) == [Info("the sketch was stopped: it was started")]
    assert link.written == b"?\nr\n"
    assert link.read(0) == answer


def test_a_board_that_prints_predictions_is_left_as_it_is(scripted: Any) -> None:
    link = scripted(b"Predictions (DSP: 1 ms.", b", Classification: 2 ms.")
    assert at_firmware.begin(link) == []
    assert link.written == b"?\n"


def test_at_firmware_is_started_in_small_pieces_after_its_prompt(scripted: Any) -> None:
    link = scripted(answers={b"?\n": b"?\r\n", b"b\r": b"Inferencing stopped by user\r\n> "})
    assert at_firmware.begin(link) == [Info("AT firmware: its impulse was started")]
    assert link.written == b"?\nb\rAT+RUNIMPULSE\r"
    assert link.read(0) == b"?\r\nInferencing stopped by user\r\n> "


def test_a_silent_board_gets_no_command_after_the_two_questions(scripted: Any) -> None:
    link = scripted()
    assert at_firmware.begin(link) == []
    assert link.written == b"?\nb\r"


def test_what_arrives_without_a_prompt_is_put_back(scripted: Any) -> None:
    link = scripted(answers={b"b\r": b"hel"})
    assert at_firmware.begin(link) == []
    assert link.read(0) == b"hel"
