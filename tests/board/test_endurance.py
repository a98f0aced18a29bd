"""Minutes of audio on end: no window is left out, none is late by a sample, nothing grows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.board.emulator.microphone import feed
from ei_toolkit.board.transport.link import running_state


def resident_kb(keeper: int) -> int:
    """Memory of the keeper and of the board's program."""
    children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
    statuses = [Path(f"/proc/{pid}/status").read_text() for pid in (str(keeper), *children)]
    return sum(int(line.split()[1]) for status in statuses for line in status.splitlines() if line.startswith("VmRSS"))


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("minutes", [1, pytest.param(30, marks=pytest.mark.proof)])
def test_it_hears_every_window_and_does_not_grow(project: Any, board: str, tiny: Path, minutes: int) -> None:
    seconds = 60 * minutes
    assert project.eitk("flash", "--board", board, "--library", str(tiny)) == 0, project.stderr
    state = running_state(project.boards, board)
    minute = np.random.default_rng(4).integers(-5000, 5000, 60 * 16000).astype(np.int16)
    feed(state, minute)
    before = resident_kb(state.pid)
    assert feed(state, np.tile(minute, minutes)) == seconds * 16000
    assert resident_kb(state.pid) - before < 8000  # the backlog alone: four lines an answer
    assert project.eitk("tail", "--board", board, "--json", "--for", "20s") == 0
    said = [json.loads(line) for line in project.stdout.splitlines()]
    answers = [event for event in said if event["event"] == "prediction"][-(seconds - 3) * 2 - 1 :]
    assert [event["end"] for event in answers] == list(range(48000, seconds * 16000 + 1, 8000))
    assert {event["overruns"] for event in answers} == {0}
    assert not [event for event in said if event["event"] in ("warning", "unknown")]
