"""The layouts that a listing of names and metadata files is recognised as."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pytest

from ei_toolkit.config import DatasetSettings
from ei_toolkit.dataset.layout import Layout, detect_layout
from ei_toolkit.dataset.listing import Listing
from ei_toolkit.errors import ConfigurationError, DataError


def layout_of(
    names: Iterable[str], metadata: Mapping[str, str] | None = None, wanted: Collection[str] = (), **settings: Any
) -> Layout:
    contents = {name: text.encode() for name, text in (metadata or {}).items()}
    return detect_layout(Listing(tuple(sorted(names)), contents), DatasetSettings(**settings), wanted)


def in_folders(*levels: Iterable[str], clips: int = 3) -> list[str]:
    """Names of clips in every combination of folders: in_folders(("train", "test"), ("a", "b"))."""
    folders = [""]
    for level in levels:
        folders = [f"{folder}{name}/" for folder in folders for name in level]
    return [f"{folder}{number}.wav" for folder in folders for number in range(clips)]


def splits(layout: Layout) -> Counter[tuple[str, str | None]]:
    return Counter((sound.label, sound.split) for sound in layout.sounds)


def table(head: str, rows: Iterable[str]) -> str:
    return "\n".join([head, *rows, ""])


def test_one_folder_a_label() -> None:
    layout = layout_of(in_folders(("rock", "jazz")))
    assert splits(layout) == {("rock", None): 3, ("jazz", None): 3}
    assert (layout.labels_from.source, layout.split_from.source, layout.group_from.source) == ("folder", "none", "none")
    assert layout.notes == () and layout.left_out == ()


def test_a_clip_in_a_deeper_folder_has_the_label_of_the_first() -> None:
    layout = layout_of([*in_folders(("rock", "jazz")), "rock/live/2020/a.wav"])
    assert {sound.name: sound.label for sound in layout.sounds}["rock/live/2020/a.wav"] == "rock"


def test_a_clip_beside_the_folders_of_labels_is_left_out_with_the_reason() -> None:
    layout = layout_of([*in_folders(("rock", "jazz")), "stray.wav"])
    assert [(one.name, one.reason) for one in layout.left_out] == [("stray.wav", "not in the folder of a label")]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("train", "test"), {"training", "testing"}),
        (("training", "testing"), {"training", "testing"}),
        (("train", "val", "test"), {"training", "validation", "testing"}),
        (("Train", "Valid", "Test"), {"training", "validation", "testing"}),
        (("train", "dev", "eval"), {"training", "validation", "testing"}),
    ],
)
def test_folders_of_splits_around_labels_are_kept_and_named(words: tuple[str, ...], expected: set[str]) -> None:
    layout = layout_of(in_folders(words, ("rock", "classical")))
    assert layout.labels == ("classical", "rock")
    assert {sound.split for sound in layout.sounds} == expected
    assert "are splits, which are kept" in layout.notes[0] and "--labels-from folder" in layout.notes[0]


def test_folders_of_splits_inside_labels() -> None:
    layout = layout_of(in_folders(("rock", "jazz"), ("train", "test")))
    assert splits(layout) == Counter(
        {("rock", "training"): 3, ("rock", "testing"): 3, ("jazz", "training"): 3, ("jazz", "testing"): 3}
    )


def test_folders_named_as_splits_are_labels_if_the_user_wants_it() -> None:
    layout = layout_of(in_folders(("train", "test"), ("rock", "jazz")), labels_from="folder")
    assert layout.labels == ("test", "train")
    assert {sound.split for sound in layout.sounds} == {None}


def test_a_written_split_from_keeps_the_splits_beside_a_written_labels_from() -> None:
    """What `eitk init` writes for this layout gives the same layout again."""
    layout = layout_of(in_folders(("train", "test"), ("rock", "jazz")), labels_from="folder", split_from="folder")
    assert layout.labels == ("jazz", "rock")


def test_one_word_of_a_split_among_other_labels_is_a_label() -> None:
    layout = layout_of(in_folders(("train", "car", "bus")))
    assert layout.labels == ("bus", "car", "train")


def test_clips_outside_of_the_folders_of_splits_are_left_out() -> None:
    layout = layout_of([*in_folders(("train", "test"), ("a", "b")), "unlabelled/x.wav"])
    assert layout.left_out[0].reason == "outside of the folders test, train"


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["rock.0.wav", "rock.1.wav", "jazz.0.wav", "jazz.1.wav"], ("jazz", "rock")),
        (["rock_0.wav", "rock_1.wav", "jazz_0.wav", "jazz_1.wav"], ("jazz", "rock")),
        (["rock-0.wav", "rock-1.wav", "jazz-0.wav", "jazz-1.wav"], ("jazz", "rock")),
        (["hip_hop_0.wav", "hip_hop_1.wav", "jazz_0.wav", "jazz_1.wav"], ("hip_hop", "jazz")),
        (["rock (1).wav", "rock (2).wav", "jazz (1).wav", "jazz (2).wav"], ("jazz", "rock")),
        (["rock1.wav", "rock2.wav", "jazz1.wav", "jazz2.wav"], ("jazz", "rock")),
        (["yes.wav.1a2b.wav", "yes.wav.2c3d.wav", "no.wav.aa.wav", "no.wav.bb.wav"], ("no", "yes")),
        (["yes_anna.wav", "yes_ben.wav", "no_anna.wav", "no_ben.wav"], ("no", "yes")),
    ],
)
def test_labels_in_names_of_files(names: list[str], labels: tuple[str, ...]) -> None:
    layout = layout_of(names)
    assert layout.labels == labels
    assert layout.labels_from.source == "name"
    assert f"{labels[0]} (2)" in layout.notes[0] and "--labels-from name" in layout.notes[0]


@pytest.mark.parametrize(
    "names",
    [
        ["001.wav", "002.wav", "003.wav", "004.wav"],
        ["2024-01-05_1.wav", "2024-01-05_2.wav", "2024-01-06_1.wav", "2024-01-06_2.wav"],
        ["recording1.wav", "recording2.wav", "recording3.wav"],
        ["anna.wav", "ben.wav", "cleo.wav", "dora.wav"],
    ],
)
def test_counters_and_dates_are_no_labels(names: list[str]) -> None:
    assert layout_of([f"clips/{name}" for name in names]).labels_from.source == "folder"


def test_names_in_folders_of_splits_have_the_labels_of_edge_impulse() -> None:
    layout = layout_of(
        [f"{split}/{label}.{i}.wav" for split in ("training", "testing") for label in "ab" for i in "12"]
    )
    assert splits(layout) == Counter(
        {("a", "training"): 2, ("a", "testing"): 2, ("b", "training"): 2, ("b", "testing"): 2}
    )


def test_the_speaker_between_label_and_number_is_the_group() -> None:
    """Free Spoken Digits."""
    layout = layout_of([f"recordings/{d}_{who}_{i}.wav" for d in "012" for who in ("theo", "jackson") for i in "01"])
    assert layout.labels == ("0", "1", "2")
    assert {sound.group for sound in layout.sounds} == {"theo", "jackson"}
    assert layout.group_from.source == "name"


ESC50 = [(f"{fold}-{100 + fold}-A-{target}.wav", fold, name) for fold in range(1, 6)
         for target, name in ((0, "dog"), (1, "rooster"))]  # fmt: skip


def test_esc50_has_labels_folds_and_recordings() -> None:
    rows = [f"{file},{fold},0,{name},True,{100 + fold},A" for file, fold, name in ESC50]
    layout = layout_of(
        [f"audio/{file}" for file, _, _ in ESC50],
        {"meta/esc50.csv": table("filename,fold,target,category,esc10,src_file,take", rows), "LICENSE": ""},
    )
    assert layout.labels == ("dog", "rooster")
    assert {sound.group for sound in layout.sounds} == {"101", "102", "103", "104", "105"}
    assert {sound.name: sound.fold for sound in layout.sounds}["audio/3-103-A-0.wav"] == "3"
    assert layout.labels_from.words == "column category of meta/esc50.csv"
    assert (layout.split_from.words, layout.group_from.words) == ("whole folds", "column src_file of meta/esc50.csv")


def test_urbansound8k_has_folds_and_recordings() -> None:
    sounds = [
        (f"{100 + i}-{t}-0-0.wav", 1 + i // 2, name) for i in range(6) for t, name in ((0, "drill"), (1, "siren"))
    ]
    rows = [f"{file},{file[:3]},0.0,4.0,1,{fold},0,{name}" for file, fold, name in sounds]
    head = "slice_file_name,fsID,start,end,salience,fold,classID,class"
    layout = layout_of(
        [f"audio/fold{fold}/{file}" for file, fold, _ in sounds], {"metadata/UrbanSound8K.csv": table(head, rows)}
    )
    assert layout.labels == ("drill", "siren")
    assert Counter(sound.fold for sound in layout.sounds) == {"1": 4, "2": 4, "3": 4}
    assert "100" in {sound.group for sound in layout.sounds}


def test_folds_are_the_groups_where_nothing_better_is_known() -> None:
    layout = layout_of(in_folders(("fold1", "fold2", "fold3"), ("a", "b")))
    assert layout.labels == ("a", "b")
    assert {sound.group for sound in layout.sounds} == {"fold 1", "fold 2", "fold 3"}


SPEECH = [f"{word}/{who}_nohash_{i}.wav" for word in ("yes", "no") for who in ("0a7c2a8d", "1b7c2a8d") for i in "01"]
LISTS = {
    "validation_list.txt": "yes/0a7c2a8d_nohash_1.wav\nno/0a7c2a8d_nohash_1.wav\n",
    "testing_list.txt": "yes/1b7c2a8d_nohash_0.wav\nno/1b7c2a8d_nohash_0.wav\nno/gone_nohash_0.wav\n",
}


def test_speech_commands_has_lists_of_splits_and_speakers_and_leaves_its_noise_out() -> None:
    layout = layout_of([*SPEECH, "_background_noise_/tap.wav"], LISTS)
    by_name = {sound.name: sound for sound in layout.sounds}
    assert by_name["yes/0a7c2a8d_nohash_0.wav"].split == "training"
    assert by_name["yes/0a7c2a8d_nohash_1.wav"].split == "validation"
    assert by_name["no/1b7c2a8d_nohash_0.wav"].split == "testing"
    assert {sound.group for sound in layout.sounds} == {"0a7c2a8d", "1b7c2a8d"}
    assert "list _background_noise_ in [project] labels" in layout.left_out[0].reason
    assert any("1 row without a file here, the first: no/gone_nohash_0.wav" in note for note in layout.notes)


def test_the_background_noise_is_a_label_without_a_split_if_it_is_wanted() -> None:
    layout = layout_of([*SPEECH, "_background_noise_/tap.wav"], LISTS, ("yes", "no", "_background_noise_"))
    assert [sound.split for sound in layout.sounds if sound.label == "_background_noise_"] == [None]


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_hugging_face_audiofolder(name: str) -> None:
    files = [(f"{split}/{i}.wav", "ab"[i % 2]) for split in ("train", "test") for i in range(4)]
    if name.endswith("jsonl"):
        text = "\n".join(json.dumps({"file_name": file, "label": label}) for file, label in files)
    else:
        text = table("file_name,label", (f"{file},{label}" for file, label in files))
    layout = layout_of([file for file, _ in files], {name: text})
    assert splits(layout) == Counter(
        {("a", "training"): 2, ("b", "training"): 2, ("a", "testing"): 2, ("b", "testing"): 2}
    )
    assert layout.labels_from.source == "csv"


def test_hugging_face_metadata_in_each_folder_of_a_split() -> None:
    metadata = {f"{split}/metadata.csv": table("file_name,label", (f"{i}.wav,{'ab'[i % 2]}" for i in range(4)))
                for split in ("train", "test")}  # fmt: skip
    layout = layout_of([f"{split}/{i}.wav" for split in ("train", "test") for i in range(4)], metadata)
    assert splits(layout)[("a", "testing")] == 2


def export(*entries: object) -> dict[str, str]:
    return {"info.labels": json.dumps({"version": 1, "files": entries})}


def test_an_edge_impulse_export() -> None:
    entries = [
        {"path": "training/rock.1.wav", "category": "training", "label": {"type": "label", "label": "rock"},
         "metadata": {"artist": "queen"}},
        {"path": "testing\\jazz.1.wav", "category": "testing", "label": "jazz"},
        {"path": "testing/x.wav", "category": "testing", "label": {"type": "unlabeled"}},
        {"path": "../../etc/passwd.wav", "category": "testing", "label": "jazz"},
        None,
    ]  # fmt: skip
    layout = layout_of(["training/rock.1.wav", "testing/jazz.1.wav", "testing/x.wav", "extra.wav"], export(*entries))
    assert [(sound.label, sound.split, sound.group) for sound in layout.sounds] == [
        ("jazz", "testing", ""),
        ("rock", "training", "queen"),
    ]
    assert {one.name: one.reason for one in layout.left_out} == {
        "extra.wav": "not in info.labels",
        "testing/x.wav": "no label",
    }
    assert "info.labels: 2 rows without a file here, the first: ../../etc/passwd.wav, None" in layout.notes


def test_folders_of_speakers_above_the_labels_are_groups() -> None:
    layout = layout_of(in_folders(("speaker_1", "speaker_2", "speaker_3"), ("yes", "no")))
    assert layout.labels == ("no", "yes")
    assert {sound.group for sound in layout.sounds} == {"speaker_1", "speaker_2", "speaker_3"}


def test_folders_of_speakers_below_the_labels_are_groups() -> None:
    layout = layout_of(in_folders(("yes", "no"), ("p225", "p226")))
    assert {(sound.label, sound.group) for sound in layout.sounds} == {
        ("yes", "p225"), ("yes", "p226"), ("no", "p225"), ("no", "p226"),
    }  # fmt: skip


def test_the_same_folders_in_every_label_are_named_as_possible_labels_or_groups() -> None:
    (note,) = layout_of(in_folders(("anna", "ben"), ("yes", "no"))).notes
    assert "each of anna, ben has the folders no, yes" in note
    assert layout_of(in_folders(("anna", "ben"), ("yes", "no")), wanted=("yes", "no")).labels == ("no", "yes")


def test_one_folder_too_high_is_followed_and_named() -> None:
    layout = layout_of(in_folders(("my-data",), ("clips",), ("rock", "jazz")))
    assert layout.labels == ("jazz", "rock")
    assert layout.notes == ("the labels are folders in my-data/clips",)


def test_several_folders_that_could_be_meant_are_an_error_that_names_them() -> None:
    names = in_folders(("audio", "audio_8k"), ("rock", "jazz"))
    with pytest.raises(DataError, match="several folders that could be the data set") as caught:
        layout_of(names)
    assert "audio, audio_8k" in caught.value.why
    assert "--clips FOLDER/audio" in caught.value.hint
    assert layout_of(names, labels_from="folder").labels == ("audio", "audio_8k")
    assert layout_of(names, wanted=("rock", "jazz")).labels == ("jazz", "rock")


def test_the_root_of_a_repository_with_other_sounds() -> None:
    names = [*in_folders(("data",), ("rock", "jazz")), "docs/example.wav", "tests/data/a.wav"]
    with pytest.raises(DataError, match="above the data set") as caught:
        layout_of(names)
    assert caught.value.why == "which may be data"


def test_groups_by_a_pattern() -> None:
    layout = layout_of([f"{label}/take{i}-mic{m}.wav" for label in "ab" for i in "12" for m in "12"],
                       group_pattern=r"take(\d+)")  # fmt: skip
    assert {sound.group for sound in layout.sounds} == {"1", "2"}
    assert layout.group_from.source == "name"


@pytest.mark.parametrize(("pattern", "error"), [("(", ConfigurationError), ("nowhere", DataError)])
def test_a_pattern_that_is_invalid_or_finds_nothing(pattern: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"dataset\.group_pattern"):
        layout_of(in_folders("ab"), group_pattern=pattern)


def test_groups_by_the_folder_below_the_label() -> None:
    layout = layout_of(in_folders(("rock", "jazz"), ("miles", "queen")), group_from="folder")
    assert {sound.group for sound in layout.sounds} == {"miles", "queen"}


@pytest.mark.parametrize(
    ("setting", "value", "missing"),
    [
        ("labels_from", "json", "there is no info.labels"),
        ("labels_from", "csv", "no table has a column of files and a column of labels"),
        ("labels_from", "name", "the names of the files give fewer than two labels"),
        ("split_from", "csv", "no table gives a split"),
        ("split_from", "folder", "no folder gives a split"),
        ("group_from", "csv", "no group is found there"),
        ("group_from", "name", "no group is found there"),
    ],
)
def test_a_source_that_is_not_there_is_an_error(setting: str, value: str, missing: str) -> None:
    with pytest.raises(DataError, match=f'dataset.{setting} = "{value}", but {missing}') as caught:
        layout_of(in_folders(("rock", "jazz")), **{setting: value})
    assert caught.value.hint


def test_a_table_is_ignored_with_labels_from_folder() -> None:
    metadata = {"list.csv": "file,label\nrock/0.wav,x\njazz/0.wav,y\n"}
    assert layout_of(in_folders(("rock", "jazz")), metadata, labels_from="folder").labels == ("jazz", "rock")


def test_a_table_that_labels_few_of_the_clips_is_not_used_unless_it_is_asked_for() -> None:
    metadata = {"list.csv": "file,label\nrock/0.wav,x\njazz/0.wav,y\n"}
    assert layout_of(in_folders(("rock", "jazz")), metadata).labels == ("jazz", "rock")
    asked = layout_of(in_folders(("rock", "jazz")), metadata, labels_from="csv")
    assert asked.labels == ("x", "y")
    assert Counter(one.reason for one in asked.left_out) == {"not in list.csv": 4}


def test_splits_are_chosen_anew_if_the_user_wants_it() -> None:
    rows = [f"{i}.wav,{'ab'[i % 2]},{'train' if i < 4 else 'test'}" for i in range(8)]
    names, metadata = [f"{i}.wav" for i in range(8)], {"list.csv": table("file,label,split", rows)}
    assert {sound.split for sound in layout_of(names, metadata).sounds} == {"training", "testing"}
    assert {sound.split for sound in layout_of(names, metadata, split_from="none").sounds} == {None}


def test_only_the_labels_of_the_project() -> None:
    layout = layout_of(in_folders("abc", clips=1), wanted=("a", "b"))
    assert layout.labels == ("a", "b")
    assert layout.left_out[0].reason == "the label c is not in [project] labels"


def test_no_sounds_at_all() -> None:
    assert layout_of([]).sounds == ()


def test_a_table_whose_names_are_in_several_folders_does_not_choose_one() -> None:
    names = in_folders(("audio", "excerpts"), ("a", "b"), clips=1) + [f"audio/a/more{i}.wav" for i in range(9)]
    rows = [f"more{i}.wav,{'x' if i % 2 else 'y'}" for i in range(9)]
    with pytest.raises(DataError, match="several folders"):
        layout_of(names, {"list.csv": table("file,label", rows)})
