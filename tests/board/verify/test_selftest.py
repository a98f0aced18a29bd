"""The command of the self-test: answers of a board, and those that are none."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ei_toolkit.board.transport.link import LinkLost
from ei_toolkit.board.verify import selftest
from ei_toolkit.board.verify.selftest import SelfTest, ask, run_on, selftest_window
from ei_toolkit.errors import BoardError


def line(**members: Any) -> bytes:
    return json.dumps({"eitk": 1, **members}).encode() + b"\n"


def answering(scripted: Any, *answers: bytes) -> Any:
    return scripted(answers={b"c\n": b"".join(answers)})


def test_the_numbers_of_the_answer_are_the_result(scripted: Any) -> None:
    link = answering(
        scripted, b"noise\n", line(state="running"), line(selftest={"ok": True, "samples_crc": 7, "scores_crc": 9})
    )
    assert run_on(link) == SelfTest(7, 9)
    assert (link.written, link.acknowledged) == (b"c\n", 3)


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": False, "samples_crc": 7, "scores_crc": 9},
        {"ok": 1, "samples_crc": 7, "scores_crc": 9},
        {"ok": True, "samples_crc": 7},
        {"ok": True, "samples_crc": "7", "scores_crc": 9},
        {},
        [1],
        "failed",
    ],
)
def test_an_answer_without_the_numbers_is_a_failed_self_test(scripted: Any, answer: object) -> None:
    with pytest.raises(BoardError, match="the self-test of the board failed") as caught:
        run_on(answering(scripted, line(selftest=answer)))
    assert caught.value.why == f"its answer was {answer}"


def test_a_board_without_an_answer_may_run_another_sketch(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "ANSWER_TIMEOUT_S", 0.05)
    with pytest.raises(BoardError, match="the board does not answer 'v'") as caught:
        ask(scripted(line(selftest={"ok": True})), b"v", "version")
    assert caught.value.hint == "It may not run eitk's sketch. Flash it: eitk flash"


def test_a_lost_connection_is_an_error_with_its_reason(scripted: Any) -> None:
    with pytest.raises(BoardError, match=r"connection was lost before the board answered 'c' \(unplugged\)"):
        ask(scripted(b"x\n", LinkLost("unplugged")), b"c", "selftest")


@pytest.mark.parametrize("number", range(4))
def test_a_window_is_a_triangle_wave_with_noise_that_gets_weaker(number: int) -> None:
    window = selftest_window(number, 48_000).astype(float)
    period = 40 + 64 * number
    mean = np.mean([window[i * period : (i + 1) * period] for i in range(48_000 // period)], axis=0)
    assert mean.argmax() == pytest.approx(period / 2, abs=period / 8)
    assert np.ptp(mean) == pytest.approx(8000 / (number + 1), rel=0.35)
    noise = window[: 48_000 // period * period] - np.tile(mean, 48_000 // period)
    assert noise.std() == pytest.approx(2**14 / 12**0.5 / 2**number, rel=0.05)


def test_a_longer_window_begins_as_a_shorter_one() -> None:
    assert np.array_equal(selftest_window(2, 100), selftest_window(2, 48_000)[:100])
