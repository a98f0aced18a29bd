from __future__ import annotations

from pathlib import Path

import pytest

from ei_toolkit.config import DatasetSettings, ProjectSettings, Settings
from ei_toolkit.dataset.clip_label import label_by_path, labels_of_clips

LABELS = ("normal", "rock", "hip_hop")


@pytest.mark.parametrize(
    ("clip", "label"),
    [
        ("rock/a.wav", "rock"),
        ("normal/sub/c.wav", "normal"),
        ("normal/2024/site 3/c.wav", "normal"),
        ("clips/rock.00042.wav", "rock"),
        ("clips/hip_hop_3.wav", "hip_hop"),
        ("clips/rock.wav", "rock"),
        ("jazz/a.wav", ""),
    ],
)
def test_the_nearest_folder_or_the_start_of_the_name_is_the_label(tmp_path: Path, clip: str, label: str) -> None:
    assert label_by_path(tmp_path / clip, LABELS) == label


def test_without_labels_the_folder_is_the_label(tmp_path: Path) -> None:
    assert label_by_path(tmp_path / "jazz" / "a.wav", ()) == "jazz"


def test_a_clip_of_the_data_set_has_the_label_of_its_layout(tmp_path: Path) -> None:
    """The table gives another label than the folders: eitk slice and eitk verify agree on it."""
    for name in ("rock/a.wav", "rock/b.wav", "jazz/c.wav"):
        (tmp_path / "clips" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clips" / name).touch()
    (tmp_path / "clips" / "list.csv").write_text("file,label\nrock/a.wav,calm\nrock/b.wav,wild\njazz/c.wav,calm\n")
    settings = Settings(dataset=DatasetSettings(root="clips"))
    clips = [tmp_path / "clips" / "rock" / "a.wav", tmp_path / "elsewhere" / "x.wav"]
    assert labels_of_clips(clips, settings, tmp_path) == ["calm", "elsewhere"]


def test_a_data_set_that_cannot_be_read_does_not_matter(tmp_path: Path) -> None:
    settings = Settings(dataset=DatasetSettings(root="gone"), project=ProjectSettings(labels=LABELS))
    assert labels_of_clips([tmp_path / "gone" / "rock" / "a.wav"], settings, tmp_path) == ["rock"]
