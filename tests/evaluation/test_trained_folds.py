"""Models of trained folds are kept until the evaluation is complete, and only used again for the same training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.evaluation.model import Material, Recipe, Trained
from ei_toolkit.evaluation.run import duration, remaining_seconds
from ei_toolkit.evaluation.trained_folds import DETAILS, INT8, TrainedFolds

LABELS = ("classical", "rock")
RECIPE = Recipe("reference", load_recipe("reference")[0])
MATERIAL = Material(np.ones((2, 3), np.float32), np.array([0, 1]), ["bach", "queen"])
TRAINED = Trained(b"int8 model", b"float model", 1234, 5.5, ("validation lacks a label",))


@pytest.fixture
def folds(tmp_path: Path) -> TrainedFolds:
    return TrainedFolds(tmp_path / "folds")


def test_a_written_model_is_read_again_and_marked_as_reused(folds: TrainedFolds) -> None:
    key = folds.key(RECIPE, LABELS, MATERIAL, 0)
    assert folds.read(key) is None
    folds.write(key, TRAINED)
    assert folds.read(key) == replace(TRAINED, is_reused=True)


def test_another_training_has_another_key() -> None:
    folds = TrainedFolds(Path("unused"))
    settings = RECIPE.settings
    longer = replace(RECIPE, settings=replace(settings, training=replace(settings.training, epochs=99)))
    keys = [
        folds.key(RECIPE, LABELS, MATERIAL, 0),
        folds.key(RECIPE, LABELS, MATERIAL, 1),
        folds.key(longer, LABELS, MATERIAL, 0),
        folds.key(replace(RECIPE, script="model = None"), LABELS, MATERIAL, 0),
        folds.key(RECIPE, ("blues", "rock"), MATERIAL, 0),
        folds.key(RECIPE, LABELS, replace(MATERIAL, features=MATERIAL.features * 2), 0),
        folds.key(RECIPE, LABELS, replace(MATERIAL, labels=np.array([1, 0])), 0),
        folds.key(RECIPE, LABELS, replace(MATERIAL, groups=["bach", "abba"]), 0),
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == folds.key(RECIPE, LABELS, MATERIAL, 0)


def test_settings_that_do_not_change_the_training_keep_the_key() -> None:
    folds = TrainedFolds(Path("unused"))
    other_board = replace(RECIPE.settings, board=replace(RECIPE.settings.board, name="host", threshold=0.8))
    assert folds.key(replace(RECIPE, name="x", settings=other_board), LABELS, MATERIAL, 0) == folds.key(
        RECIPE, LABELS, MATERIAL, 0
    )


@pytest.mark.parametrize("damage", [
    lambda folder: (folder / DETAILS).unlink(),  # interrupted before the details were written
    lambda folder: (folder / DETAILS).write_text("{"),
    lambda folder: (folder / DETAILS).write_text("[]"),
    lambda folder: (folder / INT8).write_bytes(b"another model"),
    lambda folder: (folder / INT8).unlink(),
])  # fmt: skip
def test_an_incomplete_or_damaged_fold_counts_as_not_trained(folds: TrainedFolds, damage: object) -> None:
    folds.write("key", TRAINED)
    damage(folds.folder / "key")  # type: ignore[operator]
    assert folds.read("key") is None


def test_after_the_evaluation_nothing_is_left(folds: TrainedFolds) -> None:
    folds.write("key", TRAINED)
    folds.remove()
    folds.remove()
    assert not folds.folder.exists()


def test_the_rest_is_estimated_from_the_first_training() -> None:
    assert remaining_seconds(60.0, trainings=5, jobs=2, predictions_s=30.0) == 2 * 60 + 30
    assert remaining_seconds(60.0, trainings=15, jobs=1, predictions_s=0.0) == 14 * 60
    assert remaining_seconds(60.0, trainings=2, jobs=4, predictions_s=10.0) == 10


@pytest.mark.parametrize(
    ("seconds", "text"), [(40.4, "40 s"), (119.0, "2 min"), (725.0, "12 min"), (3900.0, "1 h 5 min")]
)
def test_a_duration_has_the_unit_that_suits_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text
