"""Recordings of a board in this process: what is lost on the line is seen, and never joined."""

from __future__ import annotations

import random

import numpy as np
import pytest
from recording_board import BLOCK_SAMPLES, RecordingBoard

from ei_toolkit.board import recording
from ei_toolkit.board.recording import BoardLines, BoardRecording, Faults, check_complete, identify, record
from ei_toolkit.errors import BoardError

RNG = np.random.default_rng(1)


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QUIET_S", "ANSWER_TIMEOUT_S", "NO_SAMPLES_TIMEOUT_S"):
        monkeypatch.setattr(recording, name, 0.01)


def sound(samples: int) -> np.ndarray:
    return RNG.integers(-32768, 32768, samples).astype(np.int16)


class DamagingLine:
    """Drops, repeats and garbles lines of blocks at random; `kinds` are those that it does."""

    def __init__(self, rate: float, kinds: str = "drg", seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.rate = rate
        self.kinds = kinds
        self.dropped = self.repeated = self.garbled = 0

    def __call__(self, lines: list[bytes]) -> list[bytes]:
        sent = []
        for line in lines:
            kind = self.random.choice(self.kinds) if self.random.random() < self.rate else ""
            if kind == "d":
                self.dropped += 1
                continue
            if kind == "g":
                self.garbled += 1
                line = self._garble(line)
            sent.append(line)
            if kind == "r":
                self.repeated += 1
                sent.append(line)
        return sent

    def _garble(self, line: bytes) -> bytes:
        text = bytearray(line)
        for _ in range(self.random.randint(1, 4)):
            position = self.random.randrange(len(text) - 2)
            text[position] ^= 1 << self.random.randrange(7)
        return bytes(text)


@pytest.mark.parametrize("samples", [1, 255, 256, 257, 48_000])
@pytest.mark.parametrize("chunk", [7, 65536])
def test_a_recording_is_what_the_board_has_sent(samples: int, chunk: int) -> None:
    played = sound(samples)
    board = RecordingBoard(played, chunk=chunk if samples < 1000 else 65536)
    started, recorded = record(board, samples)
    np.testing.assert_array_equal(recorded, played)
    assert (started.rate, started.gain) == (16000, 80)
    assert board.commands == ["s", "?", "s", f"m {samples}", "s", "r"]


def test_every_fault_of_10_000_blocks_is_seen_and_no_wrong_sample_is_kept() -> None:
    """One block in a hundred is dropped, repeated or garbled; the blocks are short, so that the test is."""
    block = 16
    played = sound(10_000 * block)
    line = DamagingLine(0.01)
    with BoardRecording(BoardLines(RecordingBoard(played, line, block_samples=block)), len(played)) as made:
        pieces = [piece for piece in made.pieces() if piece is not None]
    for piece in pieces:
        np.testing.assert_array_equal(piece.samples, played[piece.first : piece.first + len(piece.samples)])
    assert min(line.dropped, line.repeated, line.garbled) > 20
    assert made.faults.lost == line.dropped + line.garbled == 10_000 - len(pieces)
    assert made.faults.repeated == line.repeated
    # A garbled beginning is not known as a line of a recording, and a garbled character may end a line.
    assert made.faults.damaged == pytest.approx(line.garbled, rel=0.2)
    with pytest.raises(BoardError, match=f"{made.faults.lost} blocks of the recording were lost"):
        check_complete(made)


def test_repeated_blocks_are_used_once() -> None:
    played = sound(100 * BLOCK_SAMPLES)
    _, recorded = record(RecordingBoard(played, DamagingLine(0.5, "r")), len(played))
    np.testing.assert_array_equal(recorded, played)


def test_a_lost_first_or_last_block_is_seen() -> None:
    played = sound(4 * BLOCK_SAMPLES)
    for kept in (slice(1, None), slice(None, -1)):
        with pytest.raises(BoardError, match="1 blocks of the recording were lost"):
            record(RecordingBoard(played, lambda lines, kept=kept: lines[kept]), len(played))


def test_a_recording_without_a_length_ends_when_it_is_stopped() -> None:
    played = sound(50 * BLOCK_SAMPLES)
    with BoardRecording(BoardLines(RecordingBoard(played)), 0) as made:
        samples = []
        for piece in made.pieces():
            if piece is None:
                made.stop()
            else:
                samples.append(piece.samples)
    np.testing.assert_array_equal(np.concatenate(samples), played)
    assert made.faults == Faults()


def test_an_unplugged_board_ends_the_recording() -> None:
    board = RecordingBoard(sound(48_000), chunk=4096)
    board.unplug_after = 20
    with pytest.raises(BoardError, match=r"the connection to the board was lost .device disconnected") as raised:
        record(board, 48_000)
    assert "Check its cable" in raised.value.hint


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"Edge Impulse Inferencing Demo\r\n", "the board was restarted during the recording"),
        (b'{"eitk":1,"recording":9,"samples":4,"rate":16000,"gain":80,"block_samples":256', "another program has"),
        (b'{"eitk":1,"recorded":1,"samples":0,"blocks":0,"lost":0,"reason":"stopped"', "another program has stopped"),
        (b'{"eitk":1,"recorded":1,"samples":0,"blocks":0,"lost":0,"reason":"microphone overrun"', "the board ended"),
        (b"", "no samples for"),
    ],
)  # fmt: skip
def test_a_board_that_does_something_else_ends_the_recording(line: bytes, message: str) -> None:
    from recording_board import checked

    text = checked(line.decode()) if line.startswith(b"{") else line
    board = RecordingBoard(sound(48_000), lambda _: [text])
    board._end = lambda _samples, _reason: b""  # type: ignore[method-assign]
    with pytest.raises(BoardError, match=message):
        record(board, 48_000)


def test_a_recording_that_another_program_starts_at_the_same_time_is_not_taken_for_the_own_one() -> None:
    class Busy(RecordingBoard):
        def _record(self, samples: int) -> None:
            super()._record(samples + 1)

    lines = BoardLines(Busy(sound(2000)))
    with pytest.raises(BoardError, match=r"did not start the recording .another program uses it"):
        BoardRecording(lines, 1000).__enter__()


def test_a_foreign_sketch_and_an_old_one_cannot_record() -> None:
    board = RecordingBoard(sound(1))
    del board.info["firmware"]
    with pytest.raises(BoardError, match=r"the sketch on the board cannot record: it is of eitk 0\.3") as raised:
        identify(BoardLines(board))
    assert raised.value.hint.endswith("eitk flash")
    board._command = lambda _: None  # type: ignore[method-assign]
    with pytest.raises(BoardError, match=r"the board does not answer .*it runs another sketch"):
        identify(BoardLines(board))


def test_every_line_is_acknowledged_once() -> None:
    board = RecordingBoard(sound(1000))
    record(board, 1000)
    board._out = b'\r\n> \r\n> {"eitk":1,"state":"stopped"}\r\n'
    before = board.acknowledged
    assert BoardLines(board).read() == ["", "", '{"eitk":1,"state":"stopped"}']
    assert board.acknowledged == before + 5  # three lines and two prompts
