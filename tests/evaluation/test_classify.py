"""Files of any length: their windows, genre and timeline, and what the model was trained on of them."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
import tracemalloc
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from support import eitk

from ei_toolkit.audio.summary.features import summary_features
from ei_toolkit.config.recipes import write_recipe
from ei_toolkit.config.settings import BoardSettings, ClassifierSettings, FeatureSettings, Reading
from ei_toolkit.dataset.index import load_index
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.classify import Classified, classify_file
from ei_toolkit.features.fit import TrainingRows, fit_model
from ei_toolkit.features.model import write_model

RATE = 8000


@dataclass(frozen=True)
class LoudnessScorer:
    """A real model in one line: the score of rock is the peak of a window, 0 to 1."""

    labels: tuple[str, ...] = ("classical", "jazz", "rock")
    rate: int = RATE
    window_ms: int = 1000
    hop_ms: int = 500
    most_windows: int = 100
    takes_whole_clips: bool = False
    pads_short_files: bool = False

    def scores(self, windows: Any) -> Any:
        peaks = np.array([np.abs(window.astype(np.float32)).max() / 32768 for window in windows])
        return np.stack([0.9 * (1 - peaks), 0.1 * (1 - peaks), peaks], axis=1).astype(np.float32)


def write_song(folder: Path, *peaks: float, name: str = "song.wav") -> Path:
    """Write a song of one second for each peak."""
    tone = np.sin(2 * np.pi * 400 * np.arange(RATE) / RATE)
    soundfile.write(folder / name, np.concatenate([peak * tone for peak in peaks]), RATE)
    return folder / name


def classified(
    path: Path, scorer: Any = None, provenance: TrainingProvenance | None = None, **board: Any
) -> Classified:
    return classify_file(path, scorer or LoudnessScorer(), replace(BoardSettings(), **board), Reading(), provenance)


def test_the_genre_is_the_label_of_the_highest_mean_score_and_the_second_follows(tmp_path: Path) -> None:
    one = classified(write_song(tmp_path, 0.1, 0.1, 0.1, 0.1))
    assert (one.genre, one.second, one.seconds) == ("classical", "rock", 4.0)
    assert one.score == pytest.approx(0.81, abs=0.01)
    assert one.timeline.starts_ms == (0, 500, 1000, 1500, 2000, 2500, 3000)


def test_below_the_threshold_a_file_has_no_genre_but_a_best_label(tmp_path: Path) -> None:
    one = classified(write_song(tmp_path, 0.5, 0.5), threshold=0.6)
    assert (one.genre, one.best) == ("", "rock")
    assert set(one.timeline.labels) == {""}


def test_the_timeline_is_smoothed_as_on_the_board(tmp_path: Path) -> None:
    song = write_song(tmp_path, 0.1, 0.1, 0.95, 0.95)
    assert classified(song).timeline.labels == ("classical",) * 3 + ("rock",) * 4
    late = classified(song, smoothing=3).timeline
    assert late.labels == ("classical",) * 4 + ("rock",) * 3


def test_a_long_file_has_windows_further_apart(tmp_path: Path) -> None:
    one = classified(write_song(tmp_path, *[0.2] * 60), LoudnessScorer(most_windows=10))
    assert one.timeline.starts_ms == tuple(range(0, 59_001, 5900))


LOW_RATE = 1000  # of long files, so that they are written and read in a moment


def write_three_hours(file: Path, peak: float) -> Path:
    second = (peak * np.sin(np.arange(LOW_RATE) / 10)).astype(np.float32)
    soundfile.write(file, np.tile(second, 3 * 3600), LOW_RATE)
    return file


def test_three_hours_are_classified_in_flat_memory(tmp_path: Path) -> None:
    song = write_three_hours(tmp_path / "long.wav", 0.2)
    tracemalloc.start()
    one = classified(song, LoudnessScorer(rate=LOW_RATE))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (one.genre, one.seconds, len(one.timeline.starts_ms)) == ("classical", 3 * 3600, 101)
    assert peak_bytes < song.stat().st_size / 3


def test_three_hours_of_silence_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="silent"):
        classified(write_three_hours(tmp_path / "silence.wav", 0), LoudnessScorer(rate=LOW_RATE))


def test_silent_windows_are_left_out_and_a_silent_file_is_named(tmp_path: Path) -> None:
    one = classified(write_song(tmp_path, 0.5, 0.0, 0.0, 0.5))
    assert one.timeline.starts_ms == (0, 500, 2500, 3000)
    with pytest.raises(DataError, match="silent"):
        classified(write_song(tmp_path, 0.0, 0.0))


def test_a_file_shorter_than_a_window_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"1\.0 s are shorter than a window of 2 s"):
        classified(write_song(tmp_path, 0.5), LoudnessScorer(window_ms=2000))
    whole = LoudnessScorer(window_ms=2000, takes_whole_clips=True)
    assert classified(write_song(tmp_path, 0.5), whole).timeline.starts_ms == (0,)


def test_a_clip_or_an_artist_of_the_training_is_named(tmp_path: Path) -> None:
    (tmp_path / "rock").mkdir()
    song = write_song(tmp_path / "rock", 0.5, 0.5, name="rock.00016.wav")
    clip = TrainingProvenance(frozenset({hashlib.sha256(song.read_bytes()).hexdigest()}))
    artist = TrainingProvenance(frozenset(), frozenset({load_index().tracks["rock.00016"].group}))
    assert classified(song, provenance=clip).trained_on == "the model was trained on this clip of queen"
    assert classified(song, provenance=artist).trained_on == "the model was trained on the artist queen"
    assert classified(song, provenance=TrainingProvenance(frozenset())).trained_on == ""


def test_the_command_classifies_a_folder_with_a_model_of_summary_features(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    sounds = {}
    for label, pitch in (("low", 200), ("high", 3000)):
        time_s = np.arange(2 * 22050) / 22050
        sounds[label] = np.sin(2 * np.pi * pitch * time_s) * np.exp(-4 * (time_s % 0.5)) * 0.5
        soundfile.write(tmp_path / "clips" / f"{label}.wav", sounds[label], 22050)
    rows = [summary_features(np.rint(32767 * sound).astype(np.int16), "summary-57") for sound in sounds.values()]
    values = np.repeat(rows, 3, axis=0) * (1 + 0.01 * np.random.default_rng(0).normal(size=(6, 57)))
    training = TrainingRows(values, np.repeat([0, 1], 3), TrainingProvenance(frozenset()))
    model = fit_model(ClassifierSettings("regression"), training, ("low", "high"), FeatureSettings(), 0)
    write_model(tmp_path / "m.npz", model)
    (tmp_path / "clips" / "text.wav").write_text("no sound")
    code, out, err = eitk(
        tmp_path, "classify", "clips", "--model", "m.npz", "--csv", "s.csv", "--picture", "p.png", "--json"
    )
    assert code == 0, err
    assert {one["file"]: one["genre"] for one in json.loads(out)["files"]} == {
        "clips/high.wav": "high", "clips/low.wav": "low",
    }  # fmt: skip
    assert "skipped clips/text.wav" in err
    assert [row["label"] for row in csv.DictReader((tmp_path / "s.csv").read_text().splitlines())] == ["high", "low"]
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_loads_neither_librosa_nor_scipy_for_summary_features(tmp_path: Path) -> None:
    file = tmp_path / "m.npz"
    training = TrainingRows(np.eye(4, 207), np.array([0, 0, 1, 1]), TrainingProvenance(frozenset()))
    features = FeatureSettings("summary-207")
    write_model(file, fit_model(ClassifierSettings("knn", k=1), training, ("a", "b"), features, 0))
    write_song(tmp_path, *[0.5] * 4)
    modules = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ei_toolkit", "classify", "song.wav", "--model", "m.npz"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    assert " ei_toolkit.audio.summary.constant_q\n" in modules
    for slow in ("librosa", "numba", "sklearn", "scipy", "matplotlib"):
        assert f" {slow}\n" not in modules, slow


def test_a_file_that_is_shorter_than_a_window_is_padded_as_the_clips_of_the_project(
    tmp_path: Path, goldens: Path
) -> None:
    write_recipe("reference", tmp_path, clips=None, name=None, force=False)
    song = write_song(tmp_path, *[0.5] * 2)
    model = str(goldens / "int8" / "sample_int8.tflite")
    line = ("classify", str(song), "--model", model, "--labels", "classical,rock", "--json")
    code, _, err = eitk(tmp_path, *line)
    assert (code, "shorter than a window of 3 s" in err) == (1, True)
    assert eitk(tmp_path, "config", "set", "slice.short", "pad")[0] == 0
    code, out, err = eitk(tmp_path, *line)
    assert code == 0, err
    assert len(json.loads(out)["files"][0]["timeline"]) == 1


def test_the_command_classifies_with_an_int8_network(tmp_path: Path, goldens: Path) -> None:
    write_recipe("reference", tmp_path, clips=None, name=None, force=False)
    song = write_song(tmp_path, *[0.5] * 4)
    model = str(goldens / "int8" / "sample_int8.tflite")
    code, out, err = eitk(tmp_path, "classify", str(song), "--model", model, "--labels", "classical,rock", "--json")
    assert code == 0, err
    [one] = json.loads(out)["files"]
    assert [row["start_ms"] for row in one["timeline"]] == [0, 500, 1000]
    assert one["score"] + one["second_score"] == pytest.approx(1, abs=0.01)
    code, _, err = eitk(tmp_path, "classify", str(song), "--model", model, "--labels", "rock")
    assert code == 1
    assert "the model has 2 outputs, and the labels are: rock" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("gone.wav",), 2, "there is no file"),
        (("song.wav", "--model", "gone.tflite"), 2, "there is no model"),
        (("song.wav",), 3, "no model is trained and pinned yet"),
        (("song.wav", "--threshold", "2"), 2, "--threshold"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    write_song(tmp_path, 0.5)
    found, _, err = eitk(tmp_path, "classify", *arguments)
    assert (found, message in err) == (code, True), err
