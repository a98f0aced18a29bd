from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from ei_toolkit.config import DatasetSettings
from ei_toolkit.dataset.folder import find_clips, read_clips
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


def test_a_folder_of_one_split_names_the_folder_with_all_of_them(tmp_path: Path) -> None:
    root = touch(tmp_path, "train/rock/a.wav", "train/jazz/b.wav", "test/rock/c.wav", "test/jazz/d.wav")
    (note,) = read_clips(root / "train").layout.notes
    assert note == f"this folder is one split of a data set; with its other splits (test): --clips {tmp_path}"
    assert "one split" not in "".join(read_clips(root).layout.notes)


@pytest.mark.parametrize("table", ["meta/esc50.csv", "info.labels", "metadata.jsonl"])
def test_a_folder_too_low_names_the_one_with_the_description(tmp_path: Path, table: str) -> None:
    root = touch(tmp_path, "audio/1-100032-A-0.wav", "audio/1-100038-A-1.wav", table)
    with pytest.raises(DataError, match="no labels are found in") as caught:
        find_clips(root / "audio")
    assert f"Give the folder above, whose {table} may describe the clips: {tmp_path}." in caught.value.hint


def test_names_that_could_be_labels_are_suggested_with_the_option(tmp_path: Path) -> None:
    root = touch(tmp_path, "clips/anna_x.wav", "clips/ben_x.wav")
    with pytest.raises(DataError) as caught:
        find_clips(root / "clips")
    assert caught.value.hint.startswith(
        "Use --labels-from name for labels from the names of the files, here anna, ben."
    )
    clips = find_clips(root / "clips", (), DatasetSettings(labels_from="name"))
    assert [clip.label for clip in clips] == ["anna", "ben"]


def test_a_clip_has_the_split_the_group_and_the_fold_of_the_layout(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{i}.wav" for i in range(4)))
    rows = [f"{i}.wav,{'ab'[i % 2]},{i // 2 + 1},s{i},{'test' if i > 1 else 'train'}" for i in range(4)]
    (tmp_path / "list.csv").write_text("\n".join(["file,label,fold,speaker,split", *rows]))
    clip = find_clips(tmp_path)[3]
    assert (clip.path, clip.label, clip.split, clip.group, clip.fold) == (tmp_path / "3.wav", "b", "testing", "s3", "2")


def test_the_folders_of_speakers_of_one_label_name_the_folder_above(tmp_path: Path) -> None:
    root = touch(tmp_path, *(f"{label}/{who}/1.wav" for label in ("yes", "no") for who in ("anna", "ben")))
    (note,) = read_clips(root / "yes").layout.notes
    assert note == (
        f"the folder no beside it has the folders anna, ben, too; if yes and no are the labels: --clips {tmp_path}"
    )
    touch(tmp_path, "other/anna/1.wav")
    assert len(read_clips(root / "no").layout.notes) == 1


def test_several_data_sets_in_a_folder_are_named_with_their_paths(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{folder}/{label}/1.wav" for folder in ("raw", "processed") for label in ("a", "b")))
    with pytest.raises(DataError, match="several folders that could be the data set") as caught:
        find_clips(tmp_path)
    assert f"--clips {tmp_path}/processed" in caught.value.hint


def test_folders_of_whole_data_sets_beside_each_other_are_no_labels(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{folder}/{label}/1.wav" for folder in ("audio", "excerpts") for label in ("a", "b")))
    assert read_clips(tmp_path / "audio").layout.notes == ()
    assert read_clips(tmp_path / "excerpts").layout.notes == ()
