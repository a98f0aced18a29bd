"""`eitk record`, with a board in this process that records given samples."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recording_board import BLOCK_SAMPLES, Line, RecordingBoard
from support import Outcome, eitk

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.board import recording
from ei_toolkit.board.boards.nano33ble import Nano33Ble
from ei_toolkit.board.transport.watch import Source

RATE = 16_000
Record = Callable[..., tuple[Outcome, RecordingBoard]]


def noise(seconds: float, dbfs: float = -20.0) -> Any:
    rms = 32768 * 10 ** (dbfs / 20)
    return (np.random.default_rng(1).normal(size=round(seconds * RATE)) * rms).clip(-32000, 32000).astype(np.int16)


@pytest.fixture
def run_record(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Record:
    """Run `eitk record` without an upload, on a board that records `sound`."""
    for name in ("QUIET_S", "ANSWER_TIMEOUT_S", "NO_SAMPLES_TIMEOUT_S"):
        monkeypatch.setattr(recording, name, 0.01)

    def run(sound: Any, *arguments: str, line: Line = lambda lines: lines) -> tuple[Outcome, RecordingBoard]:
        board = RecordingBoard(sound, line)
        monkeypatch.setattr(Nano33Ble, "source", lambda *_: Source(lambda: board))
        return eitk(tmp_path, "record", "--label", "rock", "--no-upload", "--json", *arguments), board

    return run


def test_each_recording_is_a_file_with_its_metadata(run_record: Record, tmp_path: Path) -> None:
    played = noise(0.5)
    done, board = run_record(played, "--seconds", "0.5", "--count", "2", "--group", "kitchen", "--category", "testing")
    assert done.code == 0, done.err
    assert board.commands[-2:] == ["s", "r"] and board.recordings == 2
    listed = json.loads((tmp_path / "recordings" / "info.labels").read_text())["files"]
    assert [one["path"] for one in listed] == [one["file"] for one in done.data["recordings"]]
    for one in listed:
        np.testing.assert_array_equal(read_clip(tmp_path / "recordings" / one["path"], RATE), played)
        assert one["label"] == {"type": "label", "label": "rock"} and one["category"] == "testing"
        expected = {"board": "nano33ble", "firmware": "0123456789abcdef", "gain": "80", "group": "kitchen"}
        assert one["metadata"] == one["metadata"] | expected | {"seconds": "0.5", "clipped_samples": "0"}
        assert float(one["metadata"]["level_dbfs"]) == pytest.approx(-20, abs=0.3)


def test_a_recording_with_lost_blocks_is_repeated(run_record: Record, tmp_path: Path) -> None:
    attempts: list[int] = []

    def lose_two_at_first(lines: list[bytes]) -> list[bytes]:
        attempts.append(len(lines))
        return lines[2:] if len(attempts) == 1 else lines

    done, _ = run_record(noise(0.5), "--seconds", "0.5", line=lose_two_at_first)
    assert done.code == 0 and len(attempts) == 2
    assert "recording 1/1, attempt 1 of 3: blocks: 2 lost" in done.err
    assert len(done.data["recordings"]) == 1


def test_a_line_that_always_loses_blocks_is_an_error_that_keeps_what_is_complete(
    run_record: Record, tmp_path: Path
) -> None:
    attempts: list[int] = []

    def lose_later(lines: list[bytes]) -> list[bytes]:
        attempts.append(len(lines))
        return lines if len(attempts) == 1 else lines[1:]

    done, _ = run_record(noise(0.5), "--seconds", "0.5", "--count", "3", line=lose_later)
    assert done.code == 6 and len(attempts) == 4
    assert "1 blocks of the recording were lost" in done.err
    assert "1 recording of rock in" in done.err and "upload them: eitk upload recordings" in done.err
    assert len(list((tmp_path / "recordings").rglob("*.wav"))) == 1


def test_a_continuous_recording_is_cut_without_a_gap(run_record: Record, tmp_path: Path) -> None:
    played = noise(2.1)
    done, board = run_record(played, "--continuous", "--for", "2.1s", "--seconds", "0.5")
    assert done.code == 0 and board.recordings == 1
    files = [read_clip(tmp_path / "recordings" / one["file"], RATE) for one in done.data["recordings"]]
    np.testing.assert_array_equal(np.concatenate(files), played[: 2 * RATE])


def test_parts_with_a_gap_are_left_out(run_record: Record, tmp_path: Path) -> None:
    played = noise(2.1)
    done, _ = run_record(
        played, "--continuous", "--for", "2.1s", "--seconds", "0.5", line=lambda lines: lines[:40] + lines[41:]
    )
    after = 41 * BLOCK_SAMPLES
    expected = [played[:8000], *(played[after + n * 8000 : after + (n + 1) * 8000] for n in range(2))]
    files = [read_clip(tmp_path / "recordings" / one["file"], RATE) for one in done.data["recordings"]]
    np.testing.assert_array_equal(files, expected)
    assert "blocks: 1 lost; the parts with lost blocks were left out" in done.err


def test_a_continuous_recording_is_cut_at_silence(run_record: Record, tmp_path: Path) -> None:
    silence = noise(0.8, -70)
    played = np.concatenate([silence, noise(0.4), silence, noise(0.3), silence])
    done, _ = run_record(played, "--continuous", "--for", "3.1s", "--split-silence")
    assert done.code == 0
    lengths = [float(one["seconds"]) for one in done.data["recordings"]]
    assert lengths == pytest.approx([0.6, 0.5], abs=0.05)  # 0.1 s of silence stay on either side


@pytest.mark.parametrize(
    ("sound", "message"),
    [
        (np.zeros(3 * RATE, np.int16), "the microphone records silence: is the loudspeaker muted?"),
        (np.full(3 * RATE, 32767, np.int16) * np.tile([1, -1], 3 * RATE // 2).astype(np.int16), "the sound is clipped"),
    ],
    ids=["silent", "clipped"],
)
def test_silence_and_clipping_are_warned_of_while_it_records(run_record: Record, sound: Any, message: str) -> None:
    done, _ = run_record(sound, "--seconds", "3")
    assert done.code == 0
    assert done.err.count(message) == 1


def test_an_unplugged_board_leaves_no_incomplete_file(
    run_record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = RecordingBoard(noise(2), chunk=4096)
    board.unplug_after = 20
    run_record(noise(0.1), "--seconds", "0.1")
    monkeypatch.setattr(Nano33Ble, "source", lambda *_: Source(lambda: board))
    done = eitk(tmp_path, "record", "--label", "rock", "--no-upload", "--seconds", "2")
    assert done.code == 6
    assert "the connection to the board was lost" in done.err
    assert len(list((tmp_path / "recordings").rglob("*"))) == 3  # the folder of the label, its file, info.labels


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--seconds", "36000"), "a recording of 36000 s is longer than the 3276 s"),
        (("--for", "5m"), "--for and --split-silence need --continuous"),
        (("--split-silence",), "--for and --split-silence need --continuous"),
        (("--microphone", "a.wav"), "the nano33ble board has a real microphone"),
        (("--board", "host"), "the host board has a virtual microphone"),
        (("--label", " "), "the label is empty"),
        (("--continuous", "--for", "soon"), "--for 'soon' is not a time"),
    ],
)
def test_a_wrong_command_line(run_record: Record, arguments: tuple[str, ...], message: str) -> None:
    done, _ = run_record(noise(0.1), *arguments)
    assert done.code == 2
    assert message in done.err


def test_a_board_with_another_sketch_is_named(run_record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecordingBoard, "_command", lambda *_: None)
    done, _ = run_record(noise(0.1))
    assert done.code == 6
    assert "it runs another sketch, or none" in done.err and "eitk flash" in done.err


def test_ctrl_c_keeps_the_complete_recordings(run_record: Record, tmp_path: Path) -> None:
    attempts: list[int] = []

    def interrupt_the_third(lines: list[bytes]) -> list[bytes]:
        attempts.append(len(lines))
        if len(attempts) == 3:
            raise KeyboardInterrupt
        return lines

    done, _ = run_record(noise(0.5), "--seconds", "0.5", "--count", "5", line=interrupt_the_third)
    assert done.code == 130
    assert "2 recordings of rock in" in done.err
    assert len(list((tmp_path / "recordings").rglob("*.wav"))) == 2
