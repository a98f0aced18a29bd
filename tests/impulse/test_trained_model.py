"""Variants, files and the order of classes are the same in the settings, the studio and the evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import get_args, get_type_hints

from ei_toolkit.config import Settings
from ei_toolkit.config.settings import BuildSettings, ProjectSettings
from ei_toolkit.dataset.folder import find_clips
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.evaluation.model import Recipe
from ei_toolkit.evaluation.run import Plan
from ei_toolkit.impulse.trained_model import VARIANTS, label_order, model_file, model_id
from ei_toolkit.studio.http.learn import MODEL_FILES


def test_each_label_is_there_once_in_the_order_of_its_code_points() -> None:
    assert label_order(("rock", "classical", "rock", "Zydeco", "ähnlich")) == ["Zydeco", "classical", "rock", "ähnlich"]


def test_the_order_of_the_settings_is_not_that_of_the_model(tmp_path: Path) -> None:
    settings = Settings(project=ProjectSettings(labels=("rock", "classical")))
    for label in (*settings.project.labels, "jazz"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "one.wav").touch()
    clips = find_clips(tmp_path, settings.project.labels)
    known = [KnownClip(clip, "0" * 64, clip.name, None) for clip in clips]
    assert Plan(Recipe("", settings), known, "artist").labels == ("classical", "rock")


def test_the_settings_have_the_same_variants() -> None:
    assert get_args(get_type_hints(BuildSettings)["model_type"]) == VARIANTS


def test_the_studio_offers_each_variant_under_its_id() -> None:
    offered = {file.id: file.filename for file in MODEL_FILES}
    assert all(offered[model_id(variant)] == model_file(variant) for variant in VARIANTS)
