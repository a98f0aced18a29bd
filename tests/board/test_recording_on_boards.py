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
from ei_toolkit.board.loudspeaker import LEAD_S, SimulatedSound
from ei_toolkit.board.protocol.at_client import STAGES, AtClient
from ei_toolkit.board.recording import BoardLines, BoardRecording, Piece, identify
from ei_toolkit.board.rerecording import rerecord
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


@pytest.mark.exhaustive
def test_200_clips_are_recorded_again_at_their_samples(flashed: FlashedBoard, board: str) -> None:
    """Without drift the recordings are equal to the clips, so that a model gives them the same scores."""
    lines = BoardLines(flashed.link)
    lines.stop_and_drain()
    microphone = virtual_board_named(board).microphone(flashed.project.boards)
    random = np.random.default_rng(7)
    worst_ms = worst_ppm = 0.0
    for number in range(200):
        clip = _music(random, seconds=3)
        made = rerecord(lines, SimulatedSound(microphone), clip, clip)
        np.testing.assert_array_equal(made.samples, clip)
        drift_ppm = 200 * (-1) ** number
        made = rerecord(lines, SimulatedSound(microphone, number, drift_ppm), clip, clip)
        ratio = 1 + drift_ppm * 1e-6
        for sample in (0, len(clip)):
            there = made.alignment.offset + sample * made.alignment.ratio
            worst_ms = max(worst_ms, abs(there - (LEAD_S * 16_000 + sample) * ratio) / 16)
        worst_ppm = max(worst_ppm, abs(made.alignment.drift_ppm - drift_ppm))
    print(f"{board}: at most {worst_ms:.3f} ms and {worst_ppm:.1f} ppm off")
    assert worst_ms < 2


def _music(random: np.random.Generator, seconds: int) -> Any:
    time_s = np.arange(seconds * 16_000) / 16_000
    envelope = np.interp(time_s, np.arange(0, seconds + 1, 0.2), random.uniform(0.1, 1, 5 * seconds + 5))
    tones = sum(np.sin(2 * np.pi * pitch * time_s) for pitch in random.uniform(200, 3000, 4))
    return (2500 * envelope * (random.normal(size=len(time_s)) + tones)).clip(-32768, 32767).astype(np.int16)


@pytest.mark.exhaustive
def test_an_hour_is_recorded_without_loss_in_the_same_memory(flashed: FlashedBoard) -> None:
    lines = BoardLines(flashed.link)
    minute = noise(60 * 16_000)
    hour = np.tile(minute, 60)
    position, memory = 0, list[int]()
    with BoardRecording(lines, len(hour)) as recording:
        flashed.play(hour)
        for piece in recording.pieces():
            if piece is None:
                continue
            assert piece.first == position
            np.testing.assert_array_equal(piece.samples, hour[position : position + len(piece.samples)])
            position += len(piece.samples)
            if position % (600 * 16_000) < 256:
                memory.append(int(Path("/proc/self/statm").read_text().split()[1]) * 4096)
    assert not recording.faults and position == len(hour)
    assert max(memory) - memory[0] < 16 * 2**20
