"""`eitk calibrate` with a real model on clips that it was not trained on, in a folder of recordings and in logs."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from support import Outcome, eitk, write_clips
from tiny_model import linear_classifier

import ei_toolkit as api
from ei_toolkit.board.flash.library import open_library
from ei_toolkit.board.flash.sketch import config_header
from ei_toolkit.config import Config, load_config
from ei_toolkit.config.boards import HOST
from ei_toolkit.config.lockfile import Lock, write_lock
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.provenance import PROVENANCE_NAME, TrainingProvenance, write_provenance
from ei_toolkit.dataset.window_store import reader_of
from ei_toolkit.impulse.features import impulse_features

TINY = Path(__file__).parents[1] / "board" / "tiny_library"


@pytest.fixture
def project(sliced: Config) -> Path:
    """A project whose pinned model separates its two labels by a linear function of the features."""
    manifest = Manifest.read(sliced.paths.manifest)
    training = [window for window in manifest.windows if window.split == "training"]
    samples = np.stack([reader_of(sliced).samples(window) for window in training])
    features, rock = impulse_features(samples, sliced.settings), np.array([w.label == "rock" for w in training])
    means = np.stack([features[~rock].mean(axis=0), features[rock].mean(axis=0)])
    scale = 6 / float(np.square(means[1] - means[0]).sum())
    file = sliced.paths.builds / "1" / "model.tflite"
    file.parent.mkdir(parents=True)
    file.write_bytes(linear_classifier(means * scale, -np.square(means).sum(axis=1) / 2 * scale))
    write_provenance(file.parent / PROVENANCE_NAME, TrainingProvenance.of_manifest(manifest))
    digest, path = sha256(file.read_bytes()).hexdigest(), str(file.relative_to(sliced.paths.root))
    write_lock(sliced.paths.lock, Lock(1, 1, "tflite-eon", "int8", "arduino", path, digest, path, digest, "now"))
    return sliced.paths.root


def calibrate(folder: Path, *words: str) -> Outcome:
    return eitk(folder, "calibrate", "--json", *words)


def test_the_settings_that_meet_the_aim_are_written_and_the_next_sketch_has_them(project: Path) -> None:
    before = (project / "eitk.toml").read_text()
    done = calibrate(project, "--max-false-per-hour", "10", "--min-recall", "50", "--picture", "curve.png")
    assert done.code == 0, done.err
    found = done.data
    assert found["holds"] and found["kept_back"]["false_accepts_per_hour"]["value"] <= 10
    assert found["validation"]["groups"] + found["kept_back"]["groups"] == 4
    settings = load_config(project, {}).settings
    assert {key: getattr(settings.board, key.removeprefix("board.")) for key in found["settings"]} == found["settings"]
    assert f"kThreshold = {settings.board.threshold:.6f}f;" in config_header(settings, open_library(TINY, TINY), HOST)
    changed = set(before.splitlines()) ^ set((project / "eitk.toml").read_text().splitlines())
    assert changed and all(line.startswith(("threshold", "smoothing", "hold_ms")) for line in changed)
    assert (project / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_python_chooses_the_same_settings(project: Path) -> None:
    seen: list[api.Progress] = []
    own = api.open_project(project, environ={})
    found = api.calibrate(own, min_recall=0.5, dry_run=True, on_progress=seen.append)
    printed = calibrate(project, "--min-recall", "50", "--dry-run").data
    assert {**found.to_dict(), "dry_run": True} == printed
    assert found.holds and found.records() == printed["curve"] and seen
    assert found.figure().axes[0].get_xlabel()
    with pytest.raises(api.UsageError, match="no aim is stated"):
        api.calibrate(own)


def test_a_dry_run_shows_the_trade_off_and_changes_nothing(project: Path) -> None:
    before = (project / "eitk.toml").read_bytes()
    done = eitk(project, "calibrate", "--min-recall", "50", "--dry-run")
    assert (done.code, (project / "eitk.toml").read_bytes()) == (0, before)
    assert "Trade-off on the validation groups" in done.out and "groups kept back" in done.out


def test_recordings_with_background_are_read_from_a_folder(project: Path, tmp_path: Path) -> None:
    write_clips(tmp_path / "recordings", clips=2, seconds=4)
    for file in [*(tmp_path / "recordings").glob("*/*.wav")]:
        file.rename(file.with_stem(f"recorded {file.stem}"))
    write_clips(tmp_path / "again", clips=8)
    (tmp_path / "again" / "rock" / "rock.0.wav").rename(tmp_path / "recordings" / "rock" / "of training.wav")
    (tmp_path / "recordings" / "street").mkdir()
    for number in range(2):
        noise = 0.1 * np.random.default_rng(number).standard_normal(16_000 * 5)
        soundfile.write(tmp_path / "recordings" / "street" / f"{number}.wav", noise, 16_000)
    soundfile.write(tmp_path / "recordings" / "rock" / "short.wav", noise[:8000], 16_000)
    done = calibrate(project, "recordings", "--max-false-per-hour", "100000", "--dry-run")
    assert done.code == 0, done.err
    assert [done.data[half]["labelled"] for half in ("validation", "kept_back")] == [2, 2]
    assert [done.data[half]["recordings"] for half in ("validation", "kept_back")] == [3, 3]
    assert "short.wav" in done.err and "shorter than a window of 3 s" in done.err
    assert "1 recording" in done.err and "the model was trained on" in done.err


def write_log(file: Path, *rock: float, seq: int = 0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    events = [
        {"event": "prediction", "seq": seq + place, "winner": "rock", "scores": {"classical": 1 - one, "rock": one}}
        for place, one in enumerate(rock)
    ]
    with file.open("a") as stream:
        stream.writelines(json.dumps(event) + "\n" for event in [{"event": "info", "text": "running"}, *events])


def test_logs_of_a_live_session_are_recordings_and_a_restart_begins_another(project: Path, tmp_path: Path) -> None:
    for number in range(2):
        write_log(tmp_path / "sessions" / "rock" / f"{number}.ndjson", 0.9, 0.8, 0.3, 0.7)
        write_log(tmp_path / "sessions" / "classical" / f"{number}.ndjson", 0.1, 0.2, 0.6, 0.1)
    write_log(tmp_path / "sessions" / "rock" / "0.ndjson", 0.9, 0.9)
    done = calibrate(project, "sessions", "--max-false-per-hour", "0", "--min-recall", "100")
    assert done.code == 0, done.err
    assert sorted(done.data[half]["recordings"] for half in ("validation", "kept_back")) == [2, 3]
    assert done.data["kept_back"]["false_accepts"] == 0


@pytest.mark.parametrize(
    "line", ['{"event":"prediction","scores":{"jazz":1.0}}', "[1]", '{"event":"prediction","scores":{"rock":"x"}}']
)
def test_a_log_of_another_model_is_named_with_its_line(project: Path, tmp_path: Path, line: str) -> None:
    write_log(tmp_path / "sessions" / "rock" / "0.ndjson", 0.9)
    with (tmp_path / "sessions" / "rock" / "0.ndjson").open("a") as stream:
        stream.write(line + "\n")
    done = calibrate(project, "sessions", "--min-recall", "50")
    assert done.code == 1 and "rock/0.ndjson:3 is not an event of this model" in done.err


def test_an_aim_that_no_settings_meet_writes_nothing(project: Path, tmp_path: Path) -> None:
    before = (project / "eitk.toml").read_bytes()
    for number in range(2):
        write_log(tmp_path / "sessions" / "rock" / f"{number}.ndjson", 0.1, 0.1)
        write_log(tmp_path / "sessions" / "classical" / f"{number}.ndjson", 0.9, 0.9)
    done = calibrate(project, "sessions", "--min-recall", "90")
    assert done.code == 7 and "no threshold, smoothing and hold time meet the aim" in done.err
    assert (project / "eitk.toml").read_bytes() == before


def test_an_aim_that_the_groups_kept_back_contradict_writes_nothing(project: Path, tmp_path: Path) -> None:
    """One session of each label is right and the other wrong: in one arrangement all that are kept back are wrong."""
    before, messages = (project / "eitk.toml").read_bytes(), []
    for arrangement in range(4):
        sessions = f"sessions{arrangement}"
        for place, (label, right) in enumerate((("rock", 0.9), ("classical", 0.1))):
            wrong = arrangement >> place & 1
            write_log(tmp_path / sessions / label / f"{wrong}.ndjson", *[right] * 6)
            write_log(tmp_path / sessions / label / f"{1 - wrong}.ndjson", *[1 - right, 0.5] * 300)
        done = calibrate(project, sessions, "--max-false-per-hour", "1")
        if done.code:
            messages.append(done.err)
            assert (done.code, done.data and done.data["holds"]) == (7, False), done.err
            assert (project / "eitk.toml").read_bytes() == before
        (project / "eitk.toml").write_bytes(before)
    assert any("the aim does not hold on the groups that were kept back" in text for text in messages)


def test_recordings_of_one_group_of_a_label_are_too_few(project: Path, tmp_path: Path) -> None:
    write_log(tmp_path / "sessions" / "rock" / "0.ndjson", 0.9)
    done = calibrate(project, "sessions", "--min-recall", "50")
    assert done.code == 1 and "all recordings of rock are of one group" in done.err


def test_without_an_aim_or_a_model_the_error_has_what_to_do(project: Path) -> None:
    done = calibrate(project)
    assert done.code == 2 and "no aim is stated" in done.err
    (project / "eitk.lock").unlink()
    done = calibrate(project, "--min-recall", "50")
    assert done.code == 3 and "eitk train --eon" in done.err


SAVED = {
    "type": "standard", "version": 1,
    "parametersStandard": {"averageWindowDurationMs": 2250, "detectionThreshold": 0.74, "suppressionMs": 1500},
}  # fmt: skip


def test_the_parameters_that_were_saved_in_the_studio_are_written(
    eitk_there: Any, scripted_studio: Any, tmp_path: Path
) -> None:
    assert eitk_there("init", "--recipe", "robust")[0] == 0
    scripted_studio.answers["/api/1/performance-calibration/parameters"] = {"params": SAVED}
    before = (tmp_path / "eitk.toml").read_text()
    code, out, err = eitk_there("calibrate", "--from-studio", "--dry-run")
    assert (code, before) == (0, (tmp_path / "eitk.toml").read_text()), err
    assert "would write board.threshold = 0.74, board.smoothing = 4, board.hold_ms = 1500" in out
    assert eitk_there("calibrate", "--from-studio")[0] == 0
    settings = load_config(tmp_path, {}).settings
    assert (settings.board.threshold, settings.board.smoothing, settings.board.hold_ms) == (0.74, 4, 1500)
    assert "kThreshold = 0.740000f;" in config_header(settings, open_library(TINY, TINY), HOST)


def test_a_studio_without_saved_parameters_is_reported(eitk_there: Any, scripted_studio: Any) -> None:
    assert eitk_there("init", "--recipe", "robust")[0] == 0
    scripted_studio.answers["/api/1/performance-calibration/parameters"] = {}
    code, _, err = eitk_there("calibrate", "--from-studio")
    assert code == 3 and "no parameters of a performance calibration are saved in the studio" in err
    code, _, err = eitk_there("calibrate", "--from-studio", "--min-recall", "90")
    assert code == 2 and "--from-studio takes no recordings, aims or picture" in err
