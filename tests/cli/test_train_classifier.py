"""Training a classifier of summary features with eitk train: from clips or from a table, without a studio."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support import eitk

import ei_toolkit as api
from ei_toolkit.audio.summary.columns import EXTRACTORS
from ei_toolkit.dataset.index import load_index
from ei_toolkit.features.model import read_model
from ei_toolkit.features.table import FeatureTable, write_table

RECIPES = ("cnn-c", "forest", "knn", "mlp-a6", "mlp-b3", "regression", "svm")
TABLE = ("train", "--table", "t.csv", "--json")


def write_rows(file: Path, count: int = 60, extractor: str = "summary-57") -> None:
    """Write rows of three genres whose first feature differs."""
    names = [f"{genre}.{number:05}.wav" for genre in ("metal", "pop", "rock") for number in range(count)]
    labels = tuple(name.partition(".")[0] for name in names)
    values = np.random.default_rng(1).normal(size=(len(names), len(EXTRACTORS[extractor])))
    values[:, :4] += 2 * np.array([("metal", "pop", "rock").index(label) for label in labels])[:, None]
    groups = ("",) * len(names)
    write_table(file, FeatureTable(extractor, tuple(names), labels, groups, np.zeros(len(names), np.int64), values))


@pytest.mark.parametrize("recipe", ["knn", "regression"])
def test_a_table_is_enough_to_train_and_artists_are_held_out(tmp_path: Path, recipe: str) -> None:
    write_rows(tmp_path / "t.csv")
    assert eitk(tmp_path, "init", "--recipe", recipe).code == 0
    code, out, err = eitk(tmp_path, *TABLE)
    assert code == 0, err
    data = json.loads(out)
    assert data["accuracy"] > 0.5
    assert data["training_clips"] + data["testing_clips"] == 180
    model = read_model(Path(data["file"]))
    assert (model.kind, model.labels) == (recipe, ("metal", "pop", "rock"))
    held_out = {load_index().tracks[f"rock.{n:05}"].group for n in range(60)} - model.provenance.groups
    assert held_out
    assert model.provenance.clips < {track.sha256 for track in load_index().tracks.values()}


def test_clips_are_trained_on_and_classified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ei_toolkit.cli.train_classifier.cores", lambda: 1)  # further processes take seconds to start
    time_s = np.arange(22050 * 3 // 2) / 22050
    for label, pitch in (("high", 2500), ("low", 200)):
        (tmp_path / "clips" / label).mkdir(parents=True)
        for number in range(4):
            sound = 0.4 * np.sin(2 * np.pi * (pitch + 9 * number) * time_s) * np.exp(-4 * (time_s % 0.5))
            soundfile.write(tmp_path / "clips" / label / f"{label}.{number}.wav", sound, 22050)
    assert eitk(tmp_path, "init", "--recipe", "regression", "--clips", "clips").code == 0
    code, out, err = eitk(tmp_path, "train", "--json")
    assert code == 0, err
    assert json.loads(out)["accuracy"] == 1
    trained = api.train_classifier(api.open_project(tmp_path, environ={}))  # reads the features that are kept
    assert (trained.accuracy, trained.labels, trained.testing_clips) == (
        1,
        ("high", "low"),
        json.loads(out)["testing_clips"],
    )
    assert {**trained.to_dict(), "size_bytes": 0} == {**json.loads(out), "size_bytes": 0}
    found = json.loads(eitk(tmp_path, "classify", "clips/low/low.0.wav", "clips/high/high.1.wav", "--json").out)
    assert [one["genre"] for one in found["files"]] == ["low", "high"]
    assert "the model was trained on this clip" in {one["trained_on"] for one in found["files"]}


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    write_rows(tmp_path / "t.csv")
    eitk(tmp_path, "init", "--recipe", "knn")
    code, out, _ = eitk(tmp_path, *TABLE, "--dry-run")
    assert (code, json.loads(out)["dry_run"]) == (0, True)
    assert not (tmp_path / ".eitk" / "classifier.npz").exists()


def test_a_table_of_another_extractor_and_a_project_without_classifier_are_refused(tmp_path: Path) -> None:
    write_rows(tmp_path / "t.csv", 10, "summary-207")
    eitk(tmp_path, "init", "--recipe", "knn")
    code, _, err = eitk(tmp_path, *TABLE)
    assert (code, "has the features of summary-207, and those of summary-57 are needed" in err) == (1, True)
    eitk(tmp_path, "init", "--recipe", "reference", "--force")
    code, _, err = eitk(tmp_path, *TABLE)
    assert (code, "--table is for a [classifier]" in err) == (2, True)


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_of_a_classifier_can_be_written(tmp_path: Path, recipe: str) -> None:
    code, _, err = eitk(tmp_path, "init", "--recipe", recipe)
    assert code == 0, err
    assert json.loads(eitk(tmp_path, "config", "show", "--json").out)["classifier.kind"] == recipe.partition("-")[0]
