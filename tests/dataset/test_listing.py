"""Names in metadata files are not trusted: what they mean lies in the folder, or they mean nothing."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.dataset import listing
from ei_toolkit.dataset.listing import NameIndex, is_metadata, list_folder, safe_name

SUFFIXES = {".wav", ".flac"}


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a/b.wav", "a/b.wav"),
        ("./a/./b.wav", "a/b.wav"),
        ("a\\b.wav", "a/b.wav"),
        (".\\a\\\\b.wav", "a/b.wav"),
        ("  b.wav ", "b.wav"),
        (unicodedata.normalize("NFD", "ü.wav"), "ü.wav"),
    ],
)
def test_a_path_below_the_folder_is_normalised(text: str, name: str) -> None:
    assert safe_name(text) == name


@pytest.mark.parametrize(
    "text",
    ["", " ", ".", "/etc/passwd", "\\\\server\\x.wav", "C:\\x.wav", "c:x.wav", "../x.wav", "a/../../x", "a\0.wav"],
)
def test_a_path_that_leads_elsewhere_is_none(text: str) -> None:
    assert safe_name(text) is None


@given(st.text())
def test_a_normalised_path_never_leaves_the_folder(text: str) -> None:
    name = safe_name(text)
    assert name is None or not ({"", ".", ".."} & set(name.split("/")))


INDEX = NameIndex(
    ["audio/1-a.wav", "audio/deep/2.flac", "train/x.wav", "test/x.wav", "fold1/y.wav", "fold2/y.wav"]
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "folder", "parents", "name"),
    [
        ("audio/1-a.wav", "", (), "audio/1-a.wav"),
        ("1-a.wav", "audio", (), "audio/1-a.wav"),
        ("audio/1-a.wav", "meta", (), "audio/1-a.wav"),
        ("1-a.wav", "meta", (), "audio/1-a.wav"),
        ("1-a", "", (), "audio/1-a.wav"),
        ("deep/2.wav", "", (), "audio/deep/2.flac"),
        ("other/folder/1-a.wav", "", (), "audio/1-a.wav"),
        ("x.wav", "", (), None),
        ("x.wav", "train", (), "train/x.wav"),
        ("y.wav", "", ("fold2",), "fold2/y.wav"),
        ("nothing.wav", "", (), None),
        ("../audio/1-a.wav", "meta", (), None),
    ],
)
def test_a_name_means_the_only_sound_that_it_fits(
    text: str, folder: str, parents: tuple[str, ...], name: str | None
) -> None:
    assert INDEX.find(text, folder, parents) == name


def test_a_folder_is_listed_with_its_sounds_and_metadata(tmp_path: Path) -> None:
    touch(tmp_path, "rock/a.WAV", "rock/b.flac", "rock/notes.txt", ".git/c.wav", "__MACOSX/d.wav", "rock/.e.wav")
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "list.csv").write_text("file,label\n")
    found, paths = list_folder(tmp_path, SUFFIXES)
    assert found.sounds == ("rock/a.WAV", "rock/b.flac")
    assert found.metadata == {"meta/list.csv": b"file,label\n"}
    assert paths["rock/a.WAV"] == tmp_path / "rock" / "a.WAV"


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    touch(tmp_path, "rock/a.wav")
    (tmp_path / "rock" / "again").symlink_to(tmp_path, target_is_directory=True)
    assert list_folder(tmp_path, SUFFIXES)[0].sounds == ("rock/a.wav",)


def test_a_link_to_a_folder_of_clips_is_followed(tmp_path: Path) -> None:
    touch(tmp_path, "store/rock/a.wav", "clips/jazz/b.wav")
    (tmp_path / "clips" / "rock").symlink_to(tmp_path / "store" / "rock", target_is_directory=True)
    assert list_folder(tmp_path / "clips", SUFFIXES)[0].sounds == ("jazz/b.wav", "rock/a.wav")


def test_folders_far_down_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "/".join(["d"] * 32) + "/a.wav", "/".join(["e"] * 33) + "/b.wav")
    assert [name[0] for name in list_folder(tmp_path, SUFFIXES)[0].sounds] == ["d"]


def test_large_and_many_metadata_files_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_METADATA_BYTES", 10)
    monkeypatch.setattr(listing, "MOST_METADATA_FILES", 2)
    for name, text in (("a.csv", "short"), ("b.csv", "longer than ten"), ("c.csv", "short"), ("d.csv", "short")):
        (tmp_path / name).write_text(text)
    found, _ = list_folder(tmp_path, SUFFIXES)
    assert set(found.metadata) == {"a.csv", "c.csv"}
    assert [one.name for one in found.left_out] == ["b.csv", "d.csv"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("esc50.csv", True), ("a/info.labels", True), ("testing_list.txt", True), ("groups.csv", False), ("a.txt", False)],
)
def test_which_files_may_describe_sounds(name: str, expected: bool) -> None:
    assert is_metadata(name) is expected
