"""`eitk rerecord`, with a board in this process whose microphone records what is played."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recording_board import RecordingBoard
from support import Outcome, eitk, write_clips

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.board import recording
from ei_toolkit.board.boards.virtual import HostBoard
from ei_toolkit.board.transport.watch import Source
from ei_toolkit.config import load_config
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.plan import plan_slices
from ei_toolkit.dataset.recorded import RecordingsFolder

RATE = 16_000
CLIPS = 4


class PlayedBoard(RecordingBoard):
    """A virtual board: it records what `stream_pcm` is given. `change` is what happens to that on its way."""

    def __init__(self, change: Callable[[Any], Any] = lambda sound: sound) -> None:
        super().__init__(np.empty(0, np.int16))
        self.change = change
        self.played = 0
        self._awaited = 0

    def _record(self, samples: int) -> None:
        if samples == 0:
            return
        self._awaited = samples
        self.sound = np.zeros(samples, np.int16)
        start = len(self._out)
        super()._record(samples)
        self._out = self._out[: self._out.index(b"\r\n", start) + 2]  # the line at the start only

    def stream_pcm(self, samples: Any, *, restart: bool) -> None:
        assert not restart
        self.played += 1
        self.sound = self.change(samples)[: self._awaited]
        self.recordings -= 1
        before, self._out = self._out, b""
        super()._record(self._awaited)
        blocks = self._out[self._out.index(b"\r\n") + 2 :]
        self._out = before + blocks


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two labels with four clips of 2 s each, by artists of their own."""
    monkeypatch.setattr(recording, "QUIET_S", 0.005)
    write_clips(tmp_path / "clips", CLIPS, 2.0)
    assert eitk(tmp_path, "init", "--recipe", "robust", "--clips", "clips").code == 0
    return tmp_path


def run(project: Path, board: PlayedBoard, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Outcome:
    monkeypatch.setattr(HostBoard, "source", lambda *_: Source(lambda: board))
    monkeypatch.setattr(HostBoard, "microphone", lambda *_: board)
    return eitk(project, "rerecord", "--board", "host", *arguments)


def test_recordings_keep_label_artist_and_split_and_lie_at_the_samples_of_their_clips(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(project, PlayedBoard(), monkeypatch, "--json", "--with-originals")
    assert done.code == 0, done.err
    assert len(done.data["recorded"]) == 2 * CLIPS and done.data["refused"] == []
    settings = load_config(project, {}).settings
    before = {task.known.clip.name: task for task in plan_slices(settings, project).tasks}
    described = replace(settings.dataset, root="rerecorded", labels_from="json", split_from="csv", group_from="csv")
    again = replace(settings, dataset=described)
    after = plan_slices(again, project).tasks
    assert len(after) == 4 * CLIPS  # the recordings, and the originals beside them
    for task in after:
        original = before[task.known.clip.name.removeprefix("originals/")]
        own, other = task.known, original.known
        assert (own.clip.label, own.group, task.split) == (other.clip.label, other.group, original.split)
        np.testing.assert_array_equal(read_clip(own.clip.path, RATE), read_clip(other.clip.path, RATE))


def test_recordings_beside_their_clips_get_no_augmented_copies(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A room would be simulated on top of that of the recording."""
    quieter = PlayedBoard(lambda sound: sound // 2)  # equal windows would be left out as duplicates
    assert run(project, quieter, monkeypatch, "--with-originals").code == 0
    described = '[dataset]\nroot = "rerecorded"\nlabels_from = "json"\nsplit_from = "csv"\ngroup_from = "csv"\n'
    config = project / "eitk.toml"
    text = re.sub(r"\[dataset\][^\[]*", described, config.read_text())
    config.write_text(text.replace("_ms = 3000", "_ms = 2000").replace('level = "rms"', 'level = "none"'))
    assert eitk(project, "slice", "--jobs", "1").code == 0
    windows = Manifest.read(project / ".eitk/windows/manifest.csv").windows
    training = [window for window in windows if window.split == "training"]
    originals = [window for window in training if window.clip.startswith("originals/")]
    assert sum(bool(window.augmentation) for window in originals) == len(originals) / 2
    assert len(training) - len(originals) == len(originals) / 2
    assert not any(window.augmentation for window in training if window not in originals)


def test_a_run_continues_where_it_stopped(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = PlayedBoard(), PlayedBoard()
    assert run(project, first, monkeypatch, "--limit", "3").code == 0
    done = run(project, second, monkeypatch)
    assert (first.played, second.played) == (3, 2 * CLIPS - 3)
    assert f"{2 * CLIPS - 3} recordings made, 3 were there before, 0 refused" in done.out
    assert second.commands[-1] == "r"  # the board classifies again


def test_a_second_take_adds_a_recording_of_each_clip_in_another_room(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = PlayedBoard(), PlayedBoard()
    assert run(project, first, monkeypatch, "--room", "3", "--limit", "2").code == 0
    done = run(project, second, monkeypatch, "--room", "3", "--takes", "2", "--limit", str(2 * CLIPS - 1), "--json")
    assert done.code == 0, done.err
    assert (first.played, second.played, done.data["present"]) == (2, 2 * CLIPS - 1, 2)  # one of the second take
    folder = RecordingsFolder(project / "rerecorded")
    one, two = (f"{before}classical/classical.0.wav" for before in ("", "take-2/"))
    assert {folder.metadata_of(name)["take"] for name in (one, two)} == {"1", "2"}
    assert folder.metadata_of(one)["group"] == folder.metadata_of(two)["group"]
    assert not np.array_equal(*(read_clip(folder.path / name, RATE) for name in (one, two)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda sound: sound // 4096, "the recording is silent"),
        (lambda sound: np.clip(sound.astype(int) * 40, -32768, 32767).astype(np.int16), "% of the samples are clipped"),
        (lambda sound: np.random.default_rng(1).integers(-3000, 3000, len(sound)).astype(np.int16), "is not this clip"),
    ],
    ids=["silent", "clipped", "another sound"],
)
def test_a_recording_that_is_not_the_clip_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], Any], reason: str
) -> None:
    board = PlayedBoard(change)
    done = run(project, board, monkeypatch, "--json", "--limit", "2")
    assert done.code == 6
    assert [reason in one["reason"] for one in done.data["refused"]] == [True, True]
    assert board.played == 4  # each is tried twice
    assert not list((project / "rerecorded").rglob("*.wav"))
    assert "2 recordings could not be made" in done.err


def test_a_muted_loudspeaker_ends_the_run(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = PlayedBoard(lambda sound: sound * 0)
    done = run(project, board, monkeypatch)
    assert done.code == 6 and board.played == 6
    assert "3 recordings one after another are silent" in done.err and "muted" in done.err
    assert board.commands[-1] == "r"


def test_a_room_and_a_drift_are_for_virtual_boards(project: Path) -> None:
    done = eitk(project, "rerecord", "--board", "nano33ble", "--room", "1")
    assert done.code == 2 and "has a real microphone" in done.err


def test_a_run_killed_at_20_random_instants_records_each_clip_once(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run is a process of its own, killed a random time after its start or after its first recording."""
    randomness = random.Random(4)
    folder = project / "rerecorded"
    write_clips(project / "many", 20, 2.0)
    monkeypatch.setattr("ei_toolkit.cli.rerecord.cores", lambda: 1)  # no threads in the processes that are killed
    for number in range(20):
        before = len(list(folder.rglob("*.wav")))
        child = os.fork()
        if child == 0:
            try:
                run(project, PlayedBoard(), monkeypatch, "many")
            finally:
                os._exit(0)
        deadline = time.monotonic() + 10
        while number % 2 and len(list(folder.rglob("*.wav"))) == before and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(randomness.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for name in RecordingsFolder(folder).names:  # each is complete
            assert len(read_clip(folder / name, RATE)) == 2 * RATE
    listed = len(RecordingsFolder(folder).names)
    assert listed >= 5
    board = PlayedBoard()
    done = run(project, board, monkeypatch, "many", "--json")
    assert done.code == 0, done.err
    assert len(done.data["recorded"]) == board.played == 40 - listed
    names = RecordingsFolder(folder).names
    assert len(names) == len(set(names)) == 40 == len(list(folder.rglob("*.wav")))


def test_verify_compares_the_microphone_with_the_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def quieter_with_noise(sound: Any) -> Any:
        own = np.random.default_rng(3).normal(size=len(sound)) * 10
        return np.rint(sound * 0.5 + own).astype(np.int16)

    board = PlayedBoard(quieter_with_noise)
    monkeypatch.setattr(HostBoard, "source", lambda *_: Source(lambda: board))
    monkeypatch.setattr(HostBoard, "microphone", lambda *_: board)
    clips = [f"clips/rock/rock.{number}.wav" for number in range(2)]
    line = ["verify", "--board", "host", "--compare", "--profile", "board.json", "--json", *clips]
    done = eitk(project, *line)
    assert done.code == 0, done.err
    assert done.data["level_db"] == pytest.approx(-6, abs=0.3)
    assert done.data["noise_dbfs"] == pytest.approx(-71, abs=1.5)
    assert max(map(abs, done.data["gain_db"])) < 1.5
    assert done.data["clips"] == 2 and (project / "board.json").is_file()
    assert '[slice.augment] profile = "board.json"' in done.err

    (project / "eitk.toml").write_text(
        (project / "eitk.toml").read_text().replace("[slice.augment]", '[slice.augment]\nprofile = "board.json"')
    )
    assert eitk(project, "slice", "--jobs", "1").code == 0
    assert " device" in (project / ".eitk/windows/manifest.csv").read_text()
    (project / "board.json").write_text("{}")
    assert "board.json is not the profile of a device" in eitk(project, "slice", "--jobs", "1").err


def test_the_options_of_a_comparison_need_it(project: Path) -> None:
    done = eitk(project, "verify", "--board", "host", "--profile", "board.json", "clips/rock/rock.0.wav")
    assert done.code == 2 and "--profile and --room need --compare" in done.err
