"""Audio without a pause: no window is missing or shifted by a sample, and memory does not grow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.board.boards.registry import virtual_board_named
from ei_toolkit.board.emulator.lifecycle import running_state


def resident_kb(daemon: int) -> int:
    """Memory of the daemon and of the program of the board."""
    children = Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()
    statuses = [Path(f"/proc/{pid}/status").read_text() for pid in (str(daemon), *children)]
    return sum(int(line.split()[1]) for status in statuses for line in status.splitlines() if line.startswith("VmRSS"))


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("seconds", [20, pytest.param(1800, marks=pytest.mark.exhaustive)])
def test_every_window_is_predicted_and_memory_does_not_grow(project: Any, board: str, tiny: Path, seconds: int) -> None:
    assert project.eitk("flash", "--board", board, "--library", str(tiny)) == 0, project.stderr
    state = running_state(project.boards, board)
    piece = np.random.default_rng(4).integers(-5000, 5000, 20 * 16000).astype(np.int16)
    microphone = virtual_board_named(board).microphone(project.boards)
    microphone.stream_pcm(piece)
    before = resident_kb(state.pid)
    assert microphone.stream_pcm(np.tile(piece, seconds // 20)) == seconds * 16000
    assert resident_kb(state.pid) - before < 8000  # the backlog stores four lines for each prediction
    expected = list(range(48000, seconds * 16000 + 1, 8000))
    count = (20 - 3) * 2 + 1 + len(expected)
    assert project.eitk("tail", "--board", board, "--json", "--for", "60s", "--count", str(count)) == 0
    output = [json.loads(line) for line in project.stdout.splitlines()]
    predictions = [event for event in output if event["event"] == "prediction"][-len(expected) :]
    assert [event["end"] for event in predictions] == expected
    assert {event["overruns"] for event in predictions} == {0}
    assert not [event for event in output if event["event"] in ("warning", "unknown")]
