"""Record on each virtual board: in blocks over the line, and to its buffer through Edge Impulse's AT commands."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from support import write_clips

from ei_toolkit.api.requested_samples import SampleRecorder
from ei_toolkit.audio.acquisition import read_acquisition
from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.board.boards.registry import virtual_board_named
from ei_toolkit.board.emulator.lifecycle import running_state
from ei_toolkit.board.loudspeaker import LEAD_S, SimulatedSound
from ei_toolkit.board.protocol.at_client import STAGES, AtClient
from ei_toolkit.board.recording import BoardLines, BoardRecording, Piece, identify
from ei_toolkit.board.rerecording import checked, rerecord
from ei_toolkit.board.transport.link import EmulatorLink
from ei_toolkit.board.verify.reference import Reference
from ei_toolkit.board.verify.selftest import ask
from ei_toolkit.client.remote_management import SampleRequest
from ei_toolkit.config import load_config
from ei_toolkit.config.boards import SKETCH_FLASH
from ei_toolkit.dataset.recorded import RecordingsFolder
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
    if board == "emulated":  # what eitk profile states
        [flash_kib] = re.findall(r"([\d.]+) KiB of flash", project.stdout)
        assert SKETCH_FLASH - 2048 < float(flash_kib) * 1024 <= SKETCH_FLASH
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

    # What `eitk connect` does for a sample that is longer than the buffer.
    recorder = SampleRecorder.of(link)
    assert [sensor.max_sample_length_s for sensor in recorder.description().sensors] == [600]
    played = noise(70_000, seed=3)
    flashed.finish_playing()
    studio = PlayedWhenStarted(lambda: play(played))
    request = SampleRequest("rock", 4000, 0.0625, "Built-in microphone", "training", "0123abcd")
    content = read_acquisition(recorder.record(cast(Any, studio), request), "cbor", request.hmac_key)
    assert (content.device_name, content.signature_valid) == (config.device_id, True)
    np.testing.assert_array_equal(content.values[:, 0], played[:64_000])
    assert studio.reported[0] == "sampleStarted" and studio.reported[-1] == "sampleProcessing"

    # The same image classifies.
    assert ask(link, b"c", "selftest") == before
    link.close()
    flashed.finish_playing()
    assert project.eitk("play", "--board", board, str(_clip(tmp_path))) == 0, project.stderr
    assert project.eitk("tail", "--board", board, "--count", "2", "--timeout", "10s") == 0, project.stdout


class PlayedWhenStarted:
    """Takes the reports for the studio; the sound begins with the recording."""

    def __init__(self, play: Callable[[], None]) -> None:
        self.reported: list[str] = []
        self._play = play

    def report(self, **values: Any) -> None:
        self.reported.extend(values)
        if "sampleStarted" in values:
            self._play()


def _clip(folder: Path) -> Path:
    path = folder / "noise.wav"
    path.write_bytes(wav_bytes(noise(64000), 16000))
    return path


@pytest.mark.exhaustive
@pytest.mark.gtzan
@pytest.mark.timeout(20_000)
@pytest.mark.parametrize("first", [0, 50, 100, 150])
def test_200_clips_are_recorded_again_at_their_samples(
    pinned_project: Any, board: str, gtzan: Path, tmp_path: Path, first: int
) -> None:
    """Without a room each recording is its clip; through rooms with a drift it is what the microphone was given.

    The model gives every recording the scores of the samples that were fed to it directly.
    """
    assert pinned_project.eitk("flash", "--board", board) == 0, pinned_project.stderr
    flashed = FlashedBoard(pinned_project, board)
    lines = BoardLines(flashed.link)
    lines.stop_and_drain()
    microphone = virtual_board_named(board).microphone(pinned_project.boards)
    model = Reference.load(load_config(pinned_project.root, {}).settings, pinned_project.root / "model.tflite")
    files = sorted(gtzan.glob("audio/*/*.flac"))
    places = [(file, second) for second in (12, 22) for file in files][:200]
    worst_ms = worst_ppm = 0.0
    for number, (file, second) in list(enumerate(places))[first : first + 50]:
        clip = read_clip(file, 16_000)[16_000 * second :][:48_000]
        made = rerecord(lines, SimulatedSound(microphone), clip, clip)
        np.testing.assert_array_equal(made.samples, clip)
        np.testing.assert_array_equal(model.score_window(made.samples), model.score_window(clip))
        path = SimulatedSound(microphone, room=number, drift_ppm=200 * (-1) ** number)
        played = clip // 4 if np.abs(clip.astype(int)).max() > 12_000 else clip  # loud ones clip in some rooms
        made = rerecord(lines, path, clip, played)
        direct = checked(clip, path.at_the_microphone(played), made.gain)
        np.testing.assert_array_equal(made.samples, direct.samples)
        np.testing.assert_array_equal(model.score_window(made.samples), model.score_window(direct.samples))
        for sample in (0, len(clip)):
            there = made.alignment.offset + sample * made.alignment.ratio
            expected = (LEAD_S * 16_000 + sample) * (1 + path.drift_ppm * 1e-6)
            worst_ms = max(worst_ms, abs(there - expected) / 16)
        worst_ppm = max(worst_ppm, abs(made.alignment.drift_ppm - path.drift_ppm))
        print(f"{board}: {number + 1} clips, at most {worst_ms:.3f} ms and {worst_ppm:.1f} ppm off", flush=True)
        if number < first + 2:
            (tmp_path / f"rock.{number}.wav").write_bytes(wav_bytes(made.samples, 16_000))
    assert len(places) == 200 and worst_ms < 2
    flashed.link.close()
    recordings = map(str, sorted(tmp_path.glob("rock.*.wav")))
    assert pinned_project.eitk("verify", "--board", board, "--json", *recordings) == 0, pinned_project.stderr
    verified = json.loads(pinned_project.stdout)["summary"]
    assert verified["windows"] == verified["equal"] == 2


@pytest.mark.exhaustive
@pytest.mark.timeout(20_000)
def test_a_run_killed_at_20_random_instants_records_each_clip_once(
    flashed: FlashedBoard, board: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run is a process of its own; the board goes on with what the killed one began."""
    project = flashed.project
    flashed.link.close()
    randomness = random.Random(5)
    write_clips(project.root / "clips", 20, 3.2)
    folder = project.root / "rerecorded"
    monkeypatch.setattr("ei_toolkit.cli.rerecord.cores", lambda: 1)  # no threads in the processes that are killed
    kept: list[int] = []
    for number in range(20):
        before = len(list(folder.rglob("*.wav")))
        child = os.fork()
        if child == 0:
            try:
                project.eitk("rerecord", "clips", "--board", board)
            finally:
                os._exit(0)
        deadline = time.monotonic() + 120
        while number % 4 and len(list(folder.rglob("*.wav"))) == before and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(randomness.uniform(0, 1))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        names = RecordingsFolder(folder).names
        kept.append(len(names))
        assert all(len(read_clip(folder / name, 16_000)) == 51_200 for name in names)
        if kept[-1] == 40:
            break
    assert kept[-1] >= 5
    print(f"{board}: {kept} recordings after each of {len(kept)} kills", flush=True)
    assert project.eitk("rerecord", "clips", "--board", board, "--json") == 0, project.stderr
    assert len(json.loads(project.stdout)["recorded"]) == 40 - kept[-1]
    names = RecordingsFolder(folder).names
    assert len(names) == len(set(names)) == 40 == len(list(folder.rglob("*.wav")))
    for name in names:
        np.testing.assert_array_equal(
            read_clip(folder / name, 16_000), read_clip(project.root / "clips" / name, 16_000)
        )


@pytest.mark.exhaustive
@pytest.mark.timeout(20_000)
def test_an_hour_is_recorded_without_loss_in_the_same_memory(
    flashed: FlashedBoard, board: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ei_toolkit.board.recording.NO_SAMPLES_TIMEOUT_S", 120)  # a machine may be busy for long
    daemon = running_state(flashed.project.boards, board).pid
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
                memory.append(resident_kb(os.getpid()) + resident_kb(daemon))
                print(f"{board}: {position // 960_000} minutes, {memory[-1]:,} kB", flush=True)
    assert not recording.faults and position == len(hour)
    assert max(memory) - memory[0] < 16_000


def resident_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
