"""A trained model's classes are in alphabetical order, whatever the order in eitk.toml."""

from __future__ import annotations

from pathlib import Path

from ei_toolkit.config import Settings
from ei_toolkit.config.settings import ProjectSettings
from ei_toolkit.dataset.folder import find_clips
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.evaluation.model import Recipe
from ei_toolkit.evaluation.run import Plan
from ei_toolkit.impulse.labels import label_order


def test_each_label_is_there_once_in_the_order_of_its_code_points() -> None:
    assert label_order(("rock", "classical", "rock", "Zydeco", "ähnlich")) == ["Zydeco", "classical", "rock", "ähnlich"]


def test_the_order_of_the_settings_is_not_that_of_the_model(tmp_path: Path) -> None:
    settings = Settings(project=ProjectSettings(labels=("rock", "classical")))
    for label in (*settings.project.labels, "jazz"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "one.wav").touch()
    clips = find_clips(tmp_path, settings.project.labels)
    known = [KnownClip(clip, "0" * 64, clip.name, None) for clip in clips]
    assert Plan(Recipe("", settings), known, "artist-5fold").labels == ("classical", "rock")
