from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from ei_toolkit.dataset.folder import find_clips
from ei_toolkit.errors import ConfigurationError, DataError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_every_folder_is_a_label_and_clips_may_lie_deeper(tmp_path: Path) -> None:
    root = touch(tmp_path, "rock/b.wav", "rock/live/a.FLAC", "jazz & soul/c.mp3")
    assert [(clip.name, clip.label) for clip in find_clips(root)] == [
        ("jazz & soul/c.mp3", "jazz & soul"),
        ("rock/b.wav", "rock"),
        ("rock/live/a.FLAC", "rock"),
    ]


def test_what_is_not_a_clip_is_passed_over(tmp_path: Path) -> None:
    root = touch(tmp_path, "rock/a.wav", "rock/cover.jpg", "rock/._a.wav", ".cache/x.wav", "b/b.wav", "stray.wav")
    assert [clip.name for clip in find_clips(root)] == ["b/b.wav", "rock/a.wav"]


def test_only_the_labels_asked_for(tmp_path: Path) -> None:
    root = touch(tmp_path, "a/1.wav", "b/1.wav", "c/1.wav")
    assert {clip.label for clip in find_clips(root, ["a", "c"])} == {"a", "c"}


def test_labels_are_equal_however_the_file_system_spells_an_umlaut(tmp_path: Path) -> None:
    root = touch(tmp_path, unicodedata.normalize("NFD", "Blues für Ärzte/ü.wav"), "b/1.wav")
    (clip,) = [clip for clip in find_clips(root, ["Blues für Ärzte", "b"]) if clip.label != "b"]
    assert clip.name == "Blues für Ärzte/ü.wav"
    assert clip.path.is_file()


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a folder of clips"):
        find_clips(tmp_path / "nowhere")


def test_an_empty_folder_and_one_label_only(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no clips in"):
        find_clips(tmp_path)
    with pytest.raises(DataError, match="only one label"):
        find_clips(touch(tmp_path, "rock/a.wav"))


def test_a_label_without_clips_names_the_folders_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no clips for the label classical") as caught:
        find_clips(touch(tmp_path, "rock/a.wav", "klassik/a.wav"), ["rock", "classical"])
    assert caught.value.why == "folders there: klassik, rock"
