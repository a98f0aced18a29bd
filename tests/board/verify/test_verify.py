"""Level, processing blocks and network on a board give the scores of Python: every int8 score, and the self-test."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.board.verify.selftest import selftest_window
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.dataset.provenance import PROVENANCE_NAME, TrainingProvenance, write_provenance
from ei_toolkit.dataset.synthesis import write_demo_clips


def crossfade(path: Path, seconds: int, seed: int) -> Path:
    """Write a clip that changes from synthetic strings to synthetic rock and back, so that adjacent windows differ."""
    made = path.parent / "made"
    write_demo_clips(made, seed=seed, clips_per_genre=1, seconds=seconds)
    strings, rock = (read_clip(next((made / label).glob("*.wav")), 16000) for label in ("classical", "rock"))
    blend = 0.5 - 0.5 * np.cos(np.linspace(0, 4 * np.pi, len(rock)))
    path.write_bytes(wav_bytes((strings * (1 - blend) + rock * blend).astype(np.int16), 16000))
    return path


def test_every_window_equals_the_int8_model_in_python(pinned_project: Any, board: str, tmp_path: Path) -> None:
    assert pinned_project.eitk("flash", "--board", board) == 0, pinned_project.stderr
    clips = [crossfade(tmp_path / f"rock.{seed}.wav", 8, seed) for seed in (1, 2)]
    assert pinned_project.eitk("verify", "--board", board, "--json", *map(str, clips)) == 0, pinned_project.stderr
    verified = json.loads(pinned_project.stdout)
    assert verified["summary"]["windows"] == verified["summary"]["equal"] == 22
    assert [window["end_ms"] for window in verified["windows"][:11]] == list(range(3000, 8001, 500))
    assert len({tuple(window["board_q"]) for window in verified["windows"]}) > 5


def test_clips_of_the_training_are_counted_in_a_warning(pinned_project: Any, tmp_path: Path) -> None:
    assert pinned_project.eitk("flash", "--board", "host") == 0, pinned_project.stderr
    clips = [crossfade(tmp_path / f"rock.x{seed}.wav", 4, seed) for seed in (1, 2)]
    verify = ("verify", "--board", "host", *map(str, clips))
    build = read_lock(pinned_project.root / "eitk.lock").model_path(pinned_project.root).parent  # type: ignore[union-attr]
    write_provenance(build / PROVENANCE_NAME, TrainingProvenance(frozenset(["0" * 64])))
    assert pinned_project.eitk(*verify) == 0, pinned_project.stderr
    assert "warning" not in pinned_project.stderr
    hashes = frozenset([sha256(clips[0].read_bytes()).hexdigest()])
    write_provenance(build / PROVENANCE_NAME, TrainingProvenance(hashes))
    assert pinned_project.eitk(*verify) == 0, pinned_project.stderr
    assert "the model was trained on 1 of 2 clips or on their artists" in pinned_project.stderr


def test_the_self_test_gives_the_same_numbers_as_python(pinned_project: Any, board: str) -> None:
    assert pinned_project.eitk("flash", "--board", board) == 0, pinned_project.stderr
    assert pinned_project.eitk("board", "check", board, "--json") == 0, pinned_project.stderr
    assert json.loads(pinned_project.stdout)["equal"] is True


def test_a_board_with_other_level_settings_fails_its_check(pinned_project: Any) -> None:
    assert pinned_project.eitk("flash", "--board", "host") == 0
    config = pinned_project.root / "eitk.toml"
    config.write_text(config.read_text().replace("target_dbfs = -20.0", "target_dbfs = -26.0"))
    assert pinned_project.eitk("board", "check", "host") == 6
    assert "samples" in pinned_project.stderr


def test_a_board_with_another_model_than_the_pinned_one_is_not_compared(pinned_project: Any, tmp_path: Path) -> None:
    assert pinned_project.eitk("flash", "--board", "host") == 0
    lock = pinned_project.root / "eitk.lock"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join('model_sha256 = "' + "a" * 64 + '"' if "model_sha" in line else line for line in lines))
    assert pinned_project.eitk("verify", "--board", "host", str(crossfade(tmp_path / "rock.x.wav", 4, 1))) == 6
    assert "another model" in pinned_project.stderr


def test_a_clip_shorter_than_a_window_is_rejected(pinned_project: Any, tmp_path: Path) -> None:
    assert pinned_project.eitk("flash", "--board", "host") == 0
    assert pinned_project.eitk("verify", "--board", "host", str(crossfade(tmp_path / "rock.x.wav", 2, 1))) == 1
    assert "shorter than a window" in pinned_project.stderr


@pytest.mark.parametrize("number", range(4))
def test_self_test_windows_are_loud_and_different(number: int) -> None:
    window = selftest_window(number, 48000)
    assert 500 < np.abs(window.astype(int)).mean() < 20000
    assert not np.array_equal(window, selftest_window((number + 1) % 4, 48000))


@pytest.mark.gtzan
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("tracks", "seconds"), [(2, 12), pytest.param(40, 30, marks=pytest.mark.exhaustive)])
def test_real_clips_on_the_emulated_board(
    pinned_project: Any, gtzan: Path, tmp_path: Path, tracks: int, seconds: int
) -> None:
    folders = [gtzan / "audio" / label for label in ("classical", "rock")]
    files = [file for folder in folders for file in sorted(folder.glob("*.flac"))[: tracks // 2]]
    clips = [beginning(file, tmp_path / file.name, seconds) for file in files]
    assert pinned_project.eitk("flash", "--board", "emulated") == 0, pinned_project.stderr
    assert pinned_project.eitk("verify", "--board", "emulated", "--json", *map(str, clips)) == 0, pinned_project.stderr
    summary = json.loads(pinned_project.stdout)["summary"]
    assert summary["tracks"] == tracks
    assert summary["windows"] == summary["equal"] >= tracks * (seconds - 5) * 2


def beginning(source: Path, target: Path, seconds: int) -> Path:
    """Copy the first seconds of a clip, in its format and rate."""
    with soundfile.SoundFile(source) as clip:
        soundfile.write(target, clip.read(seconds * clip.samplerate, dtype="int16"), clip.samplerate)
    return target
