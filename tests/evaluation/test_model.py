"""What is evaluated: the recipe of a project with its script, and what a training is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ei_toolkit.config import AugmentSettings, DspBlock, ImpulseSettings, Layer, Settings, SliceSettings
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.evaluation.model import Material, Recipe, project_recipe, train_request, with_training

IMPULSE = ImpulseSettings("", (DspBlock("spectrogram", 4),), (Layer("dense", units=8),))
SETTINGS = replace(Settings(), impulse=IMPULSE)
MATERIAL = Material(np.zeros((3, 4), np.float32), np.array([0, 1, 1]), ("x", "y", "y"))


def test_a_project_with_layers_has_no_script(tmp_path: Path) -> None:
    recipe = project_recipe(SETTINGS, tmp_path)
    assert (recipe.name, recipe.script) == (SETTINGS.project.name, "")


def test_a_script_is_read_in_the_folder_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("model = 1  # é\n", encoding="utf-8")
    settings = replace(SETTINGS, impulse=replace(IMPULSE, script="net.py"))
    assert project_recipe(settings, tmp_path).script == "model = 1  # é\n"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_script_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "net.py").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"the training script .*net\.py cannot be read") as caught:
        project_recipe(replace(SETTINGS, impulse=replace(IMPULSE, script="net.py")), tmp_path)
    assert caught.value.hint == "Correct [impulse] script."


def test_noise_is_looked_for_in_the_folder_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "noises").mkdir()
    cut = SliceSettings(augment=AugmentSettings(noise_files="noises"))
    recipe = project_recipe(replace(SETTINGS, slice=cut), tmp_path)
    assert Path(recipe.settings.slice.augment.noise_files) == tmp_path / "noises"


def test_only_the_number_of_epochs_is_changed() -> None:
    recipe = Recipe("r", SETTINGS, "")
    assert with_training(recipe, epochs=None) is recipe
    changed = with_training(recipe, epochs=2)
    assert changed.settings.training == replace(SETTINGS.training, epochs=2)
    assert changed.settings.impulse == SETTINGS.impulse


def test_each_seed_of_an_evaluation_is_another_seed_of_the_training(tmp_path: Path) -> None:
    seeds = [train_request(Recipe("r", SETTINGS), ("a", "b"), MATERIAL, seed, tmp_path).seed for seed in range(3)]
    assert seeds == [SETTINGS.training.seed + seed for seed in range(3)]


@pytest.mark.parametrize(("key", "groups"), [("artist", ("x", "y", "y")), ("", ())])
def test_artists_stay_together_only_if_the_settings_name_a_group(
    tmp_path: Path, key: str, groups: tuple[str, ...]
) -> None:
    settings = replace(SETTINGS, training=replace(SETTINGS.training, validation_group=key))
    assert train_request(Recipe("r", settings), ("a", "b"), MATERIAL, 0, tmp_path).groups == groups


def test_a_training_has_the_settings_of_the_recipe(tmp_path: Path) -> None:
    training = replace(SETTINGS.training, epochs=4, batch_size=8, validation=0.25, int8=False, spec_augment=True)
    request = train_request(Recipe("r", replace(SETTINGS, training=training)), ("a", "b"), MATERIAL, 0, tmp_path)
    assert (request.epochs, request.batch_size, request.validation_fraction, request.int8) == (4, 8, 0.25, False)
    assert request.labels == [0, 1, 1]
    assert request.class_names == ("a", "b")
    assert request.visual_layers[0]["neurons"] == 8
    assert request.spec_augment
