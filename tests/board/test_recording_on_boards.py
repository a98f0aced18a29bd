"""Record on each virtual board: in blocks over the line, and to its buffer through Edge Impulse's AT commands."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.audio.acquisition import read_acquisition
from ei_toolkit.board.boards.registry import virtual_board_named
from ei_toolkit.board.emulator.lifecycle import running_state
from ei_toolkit.board.protocol.at_client import STAGES, AtClient
from ei_toolkit.board.recording import BoardLines, BoardRecording, Piece, identify
from ei_toolkit.board.transport.link import EmulatorLink
from ei_toolkit.board.verify.selftest import ask
from ei_toolkit.errors import BoardError


def noise(samples: int, seed: int = 1) -> Any:
    pcm = np.random.default_rng(seed).integers(-32768, 32768, samples).astype(np.int16)
    pcm[:4] = (-32768, 32767, 0, -1)
    return pcm


class FlashedBoard:
    """A running board, its line, and its microphone, to which samples are played while the board records."""

    def __init__(self, project: Any, board: str) -> None:
        self.project = project
        self.link = EmulatorLink(running_state(project.boards, board).serial_port)
        self._microphone = virtual_board_named(board).microphone(project.boards)
        self._playing: threading.Thread | None = None

    def play(self, samples: Any) -> None:
        self.finish_playing()
        self._playing = threading.Thread(target=self._microphone.stream_pcm, args=(samples,), kwargs={"restart": False})
        self._playing.start()

    def finish_playing(self) -> None:
        if self._playing is not None:
            self._playing.join()


@pytest.fixture
def flashed(project: Any, board: str, tiny: Path) -> Iterator[FlashedBoard]:
    assert project.eitk("flash", "--board", board, "--library", str(tiny)) == 0, project.stderr
    made = FlashedBoard(project, board)
    yield made
    made.link.close()
    made.finish_playing()


def test_a_board_records_exactly_what_is_played_and_classifies_as_before(
    flashed: FlashedBoard, board: str, tmp_path: Path
) -> None:
    project, link, play = flashed.project, flashed.link, flashed.play
    before = ask(link, b"c", "selftest")

    # Edge Impulse's AT commands
    client = AtClient(link)
    client.connect()
    config = client.config()
    assert config.version == (1, 8, 0) and config.device_type == "ARDUINO_NANO33BLE"
    assert [(sensor.name, sensor.max_length_s) for sensor in config.sensors] == [("Built-in microphone", 3.0)]
    client.set_value("UPLOADSETTINGS", "ei_0123", "/api/training/data")
    assert client.config().api_key == "ei_0123"
    played, stages = noise(8512), list[str]()

    def on_stage(stage: str) -> None:
        stages.append(stage)
        if stage == STAGES[0]:
            play(played)

    made = client.sample("rock", 0.0625, 500, "Built-in microphone", on_stage=on_stage)
    assert tuple(stages) == STAGES
    assert made.file_name == "rock.1.cbor"
    content = read_acquisition(made.data, "cbor")
    assert (content.interval_ms, content.device_name) == (0.0625, config.device_id)
    np.testing.assert_array_equal(content.values[:, 0], played[:8000])
    with pytest.raises(BoardError, match=r"the board did not record .the buffer holds recordings of 1 to 3000 ms"):
        client.sample("rock", 0.0625, 36_000_000, "Built-in microphone")

    # Blocks over the line: any length.
    lines = BoardLines(link)
    lines.stop_and_drain()
    info = identify(lines)
    assert info.board == board and len(info.firmware) == 16 and info.labels == ("classical", "rock")
    for samples in (20_001, 0):
        played = noise(25_000, seed=2)
        flashed.finish_playing()
        with BoardRecording(lines, samples) as recording:
            play(played)
            pieces: list[Piece] = []
            for piece in recording.pieces():
                pieces.extend([piece] if piece else [])
                if samples == 0 and sum(len(piece.samples) for piece in pieces) >= 12_000:
                    recording.stop()
        assert not recording.faults and recording.started.rate == 16000
        recorded = np.concatenate([piece.samples for piece in pieces])
        assert len(recorded) == samples if samples else len(recorded) >= 12_000
        whole_buffers = np.append(played, np.zeros(512, np.int16))  # the microphone fills its last buffer with silence
        np.testing.assert_array_equal(recorded, whole_buffers[: len(recorded)])

    # The same image classifies.
    assert ask(link, b"c", "selftest") == before
    link.close()
    flashed.finish_playing()
    assert project.eitk("play", "--board", board, str(_clip(tmp_path))) == 0, project.stderr
    assert project.eitk("tail", "--board", board, "--count", "2", "--timeout", "10s") == 0, project.stdout


def _clip(folder: Path) -> Path:
    from ei_toolkit.audio.wav import wav_bytes

    path = folder / "noise.wav"
    path.write_bytes(wav_bytes(noise(64000), 16000))
    return path
