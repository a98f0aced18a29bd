"""A whole evaluation on synthetic clips: decoding, folds, training, int8, conditions, baselines."""

from __future__ import annotations

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support import eitk

from ei_toolkit.config import load_config
from ei_toolkit.config.lockfile import Lock, write_lock
from ei_toolkit.config.recipes import write_recipe
from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.slicing import slice_clips
from ei_toolkit.dataset.synthesis import write_demo_clips
from ei_toolkit.evaluation.clips import find_known_clips, prepare_all
from ei_toolkit.evaluation.trained_folds import TrainedFolds

QUICK = ("--protocol", "clip", "--seeds", "1", "--epochs", "3", "--conditions", "gain-20", "--folds", "2")
ONE_PROCESS = ("--jobs", "1")  # each process imports TensorFlow


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic")
    write_demo_clips(folder, clips_per_genre=10, seconds=6.0)
    return folder


def evaluate(cwd: Path, *flags: str) -> tuple[int, str, str]:
    return eitk(cwd, "evaluate", *flags)


@pytest.mark.exhaustive
def test_a_recipe_is_evaluated_without_a_project(clips: Path, tmp_path: Path) -> None:
    code, out, _ = evaluate(
        tmp_path, "--recipe", "reference", "--clips", str(clips), *QUICK, *ONE_PROCESS, "--quick", "--json"
    )
    data = json.loads(out)
    assert code == 0
    assert (data["folds"], data["clean"]["tracks"], data["clean"]["windows"]) == (1, 10, 30)
    assert len(data["models"]) == 1
    assert not (tmp_path / ".eitk").exists()


@pytest.mark.slow
def test_a_projects_evaluation_continues_after_an_interruption_and_is_kept(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interruption is a quick run of the first fold whose model stays; the whole run takes it from there."""
    file = write_recipe("reference", tmp_path, clips=clips, name=None, force=False)
    file.write_text(file.read_text().replace("stack = 3", "stack = 1"))  # quick to train
    with monkeypatch.context() as interrupted:
        interrupted.setattr(TrainedFolds, "remove", lambda _folds: None)
        code, out, err = evaluate(tmp_path, *QUICK, *ONE_PROCESS, "--quick", "--json")
    data = json.loads(out)
    assert code == 0, err
    assert (data["folds"], data["is_quick"], data["conditions"], data["clean"]["tracks"]) == (1, True, {}, 10)
    assert not (tmp_path / ".eitk" / "evaluation.json").exists()

    code, out, err = evaluate(tmp_path, *QUICK, *ONE_PROCESS)
    assert code == 0
    assert "seed 1, fold 1: trained before the interruption" in err
    assert re.search(r"about \d+ (s|min) left: 1 more trainings, then the predictions", err)
    assert re.search(r"seed 1, fold 2: trained in \d+ s", err)
    assert "top-1 accuracy of windows / clip accuracy, in %" in out
    kept = json.loads((tmp_path / ".eitk" / "evaluation.json").read_text())
    assert {track["label"] for track in kept["tracks"]} == {"classical", "rock"}
    assert (kept["folds"], kept["clean"]["tracks"], kept["clean"]["majority"]) == (2, 20, 0.5)
    assert (kept["variant"], kept["clean"]["windows"], len(kept["models"])) == ("int8", 60, 2)
    for row in (kept["clean"], kept["conditions"]["gain-20"], kept["float32"]):
        assert 0 <= row["window_accuracy"] <= 1
        assert 0 <= row["track_accuracy"] <= 1
    assert set(kept["baselines"]) == {"majority", "level", "logistic"}
    assert kept["baselines"]["logistic"]["window_accuracy"] > 0.8
    assert kept["baselines"]["majority"]["track_accuracy"] <= 0.5
    assert sum(map(sum, kept["clean"]["confusion_matrix"])) == 60
    assert (tmp_path / ".eitk" / "runs.sqlite").exists()
    assert not (tmp_path / ".eitk" / "folds").exists()


def test_the_pinned_model_is_tried_on_the_clips_that_were_held_out(clips: Path, tmp_path: Path, goldens: Path) -> None:
    own = shutil.copytree(clips, tmp_path / "clips")
    file = write_recipe("reference", tmp_path, clips=own, name=None, force=False)
    file.write_text(file.read_text().replace('labels = ["classical", "rock"]', "labels = []"))
    assert evaluate(tmp_path, "--protocol", "test")[0] == 3  # nothing is pinned yet
    config = load_config(tmp_path, {})
    slice_clips(config.settings, tmp_path, config.paths.windows, 1, lambda _done, _note: None)
    shutil.copy(goldens / "int8" / "sample_int8.tflite", tmp_path / "model.tflite")
    write_lock(config.paths.lock, Lock(1, 1, "tflite-eon", "int8", "arduino", "x.zip", "", "model.tflite", "", ""))
    (own / "jazz").mkdir()
    shutil.copy(next((own / "rock").iterdir()), own / "jazz" / "added-later.wav")
    code, out, err = evaluate(tmp_path, "--protocol", "test", "--conditions", "gain-20", "--json")
    data = json.loads(out)
    assert code == 0, err
    assert "1 clip with labels the model does not know: jazz; not scored" in err
    assert data["labels"] == ["classical", "rock"]
    held_out = {w.clip for w in Manifest.read(config.paths.manifest).windows if w.split == "testing"}
    assert {track["clip"] for track in data["tracks"]} == held_out
    assert data["protocol"] == "test"
    assert data["float32"] is None
    assert 0 <= data["clean"]["thresholded_accuracy"] <= data["clean"]["window_accuracy"] <= 1
    assert data["baselines"]["logistic"]["window_accuracy"] > 0.8


def test_a_clip_that_cannot_be_read_is_named_and_left_out(clips: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        found = find_known_clips(clips, load_recipe("reference")[0], tmp_path)[8:12]
        (tmp_path / "broken.wav").write_text("not audio")
        broken = KnownClip(Clip(tmp_path / "broken.wav", "rock/broken.wav", "rock"), "", "nobody", None)
        log: list[str] = []
        prepared = prepare_all(pool, [*found, broken], load_recipe("reference")[0], 1, log.append)
    assert len(prepared) == 4
    assert [len(one.views) for one in prepared] == [2] * 4
    [line] = log
    assert line.startswith("skipped rock/broken.wav: not audio that can be read (Format not recognised).")
    assert line.endswith(" convert it: ffmpeg -i broken.wav CONVERTED.wav")


def test_what_the_decoder_warns_of_is_logged(clips: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        found = find_known_clips(clips, load_recipe("reference")[0], tmp_path)[8:12]
        (tmp_path / "short.wav").write_bytes(found[0].clip.path.read_bytes()[:-2])
        short = KnownClip(Clip(tmp_path / "short.wav", "rock/short.wav", "rock"), "0" * 64, "nobody", None)
        log: list[str] = []
        prepared = prepare_all(pool, [*found, short], load_recipe("reference")[0], 0, log.append)
    assert len(prepared) == 5
    assert log == [f"warning: rock/short.wav: {prepared[-1].warnings[0]}"]
    assert log[0].endswith("ms of sound are missing; read without them")


def test_too_few_clips_are_named_before_any_feature_is_computed(tmp_path: Path) -> None:
    for label in ("classical", "rock"):
        (tmp_path / "clips" / label).mkdir(parents=True)
        for number in range(3):
            sound = np.random.default_rng([number, len(label)]).uniform(-0.1, 0.1, 8000)
            soundfile.write(tmp_path / "clips" / label / f"{number}.wav", sound, 16_000)
    code, _, err = evaluate(tmp_path, "--recipe", "reference", "--clips", str(tmp_path / "clips"))
    assert code == 1
    assert "error: 5 folds cannot be made, because the label classical has 3 groups" in err
    assert "try: At most 3 folds work: --folds 3" in err
    assert "features of" not in err
    archive = shutil.make_archive(str(tmp_path / "clips"), "zip", tmp_path / "clips")
    code, _, err = evaluate(tmp_path, "--recipe", "reference", "--clips", archive)
    assert (code, "6 clips of 6 groups" in err, "the label classical has 3 groups" in err) == (1, True, True)


@pytest.mark.parametrize(
    ("flags", "code", "meaning"),
    [
        (("--recipe", "soup", "--clips", "."), 2, "no recipe"),
        (("--recipe", "reference", "--clips", "nowhere"), 3, "not a folder of clips"),
        (("--recipe", "reference", "--clips", ".", "--protocol", "luck"), 2, "no protocol"),
        (("--recipe", "reference", "--clips", ".", "--protocol", "luck"), 2, "clip, segment, test."),
        (("--recipe", "reference", "--clips", ".", "--conditions", "rain"), 2, "no condition"),
        (("--recipe", "reference", "--clips", ".", "--folds", "1"), 2, "--folds"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_before_anything_is_computed(
    tmp_path: Path, flags: tuple[str, ...], code: int, meaning: str
) -> None:
    got, _, err = evaluate(tmp_path, *flags)
    assert (got, meaning in err) == (code, True), err
