from __future__ import annotations

import pytest

from ei_toolkit.dataset.folder_names import GROUP, read_folders, split_of


@pytest.mark.parametrize(
    ("word", "split"),
    [("train", "training"), ("TRAINING", "training"), ("Val", "validation"), ("dev", "validation"),
     ("eval", "testing"), (" test ", "testing"), ("audio_train", "training"), ("Test Set", "testing"),
     ("train_test", None), ("train_engine", None), ("tests", None), ("trainer", None), ("", None)],
)  # fmt: skip
def test_words_of_splits(word: str, split: str | None) -> None:
    assert split_of(word) == split


@pytest.mark.parametrize("name", ["speaker_01", "Actor_24", "p225", "id_00", "s1", "session 3", "subject12", "mic-2"])
def test_names_of_folders_of_speakers_and_machines(name: str) -> None:
    assert GROUP.fullmatch(name)


@pytest.mark.parametrize("name", ["yes", "rock", "class1", "7", "anna", "speaker", "hip_hop_2"])
def test_other_names_are_not(name: str) -> None:
    assert not GROUP.fullmatch(name)


@pytest.mark.parametrize("path", ["fold1", "Fold_1", "fold-1", "cv_fold1"])
def test_folders_of_folds(path: str) -> None:
    names = [f"{path}/a/1.wav", f"{path.replace('1', '2')}/b/1.wav"]
    assert sorted(read_folders(names).folds.values()) == ["1", "2"]


def test_folds_below_the_labels() -> None:
    names = [f"{label}/fold{fold}/{i}.wav" for label in "ab" for fold in (1, 2) for i in (1, 2)]
    reading = read_folders(names)
    assert set(reading.labels.values()) == {"a", "b"} and set(reading.folds.values()) == {"1", "2"}


def test_splits_with_a_common_folder_below() -> None:
    names = [f"{split}/audio/{label}/1.wav" for split in ("train", "test") for label in ("a", "b")]
    assert set(read_folders(names).labels.values()) == {"a", "b"}


def test_splits_below_a_common_folder() -> None:
    names = [f"my data/v2/{split}/{label}/1.wav" for split in ("train", "test") for label in ("a", "b")]
    reading = read_folders(names)
    assert (reading.base, reading.split_folders) == ("my data/v2", ("test", "train"))


def test_one_split_only_is_no_split() -> None:
    reading = read_folders([f"train/{label}/{i}.wav" for label in ("a", "b") for i in (1, 2)])
    assert not reading.splits
    assert set(reading.labels.values()) == {"a", "b"}


def test_validation_and_test_without_training_are_labels() -> None:
    assert not read_folders(["val/a/1.wav", "test/b/1.wav"]).splits


def test_speakers_of_machines_below_several_levels_stay_with_their_label() -> None:
    names = [f"{machine}/{state}/{i}.wav" for machine in ("id_00", "id_02") for state in ("normal", "abnormal")
             for i in (1, 2)]  # fmt: skip
    reading = read_folders(names)
    assert set(reading.labels.values()) == {"normal", "abnormal"}
    assert set(reading.groups.values()) == {"id_00", "id_02"}


def test_folders_of_numbers_in_labels_and_above_are_labels() -> None:
    """Either of two levels of such names could be the labels: the first are taken."""
    reading = read_folders([f"s{a}/p{b}/1.wav" for a in (1, 2) for b in (1, 2)])
    assert set(reading.labels.values()) == {"s1", "s2"}


def test_a_collection_beside_labels_is_a_candidate_only_with_two_folders_of_its_own() -> None:
    assert read_folders(["samples/1.wav", "rock/1.wav", "jazz/1.wav"]).candidates == ()
    assert read_folders(["samples/a/1.wav", "samples/b/1.wav", "docs/x.wav"]).candidates == ("samples",)


def test_no_sounds() -> None:
    assert read_folders([]).labels == {}
