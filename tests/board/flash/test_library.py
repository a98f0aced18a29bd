"""Libraries are unpacked from zips that may be damaged or unsafe."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from ei_toolkit.board.flash.library import open_library
from ei_toolkit.errors import DataError


def zipped(folder: Path, into: Path) -> Path:
    with zipfile.ZipFile(into, "w") as archive:
        for file in folder.rglob("*"):
            archive.write(file, Path("Tiny_inferencing") / file.relative_to(folder))
    return into


def test_a_zip_and_a_folder_give_the_same_library(tiny: Path, tmp_path: Path) -> None:
    for source in (tiny, zipped(tiny, tmp_path / "tiny.zip")):
        library = open_library(source, tmp_path / "unpacked")
        assert library.header == "Tiny_inferencing.h"
        assert library.number("EI_CLASSIFIER_RAW_SAMPLE_COUNT") == 48000
        assert library.model_sha256.startswith("0123456789ab")
        assert [file.name for file in library.sources] == ["tiny.cpp"]


@pytest.mark.parametrize("name", ["../escape.h", "/etc/escape.h", "a/../../escape.h", "C:/escape.h", "..\\escape.h"])
def test_an_entry_outside_of_the_folder_is_rejected(name: str, tiny: Path, tmp_path: Path) -> None:
    file = zipped(tiny, tmp_path / "tiny.zip")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(name, "x")
    with pytest.raises(DataError, match="not safe to unpack"):
        open_library(file, tmp_path / "unpacked")
    assert not list(tmp_path.glob("**/escape.h"))


def test_a_file_that_is_not_a_library_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 truncated")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    for name, words in (
        ("bad.zip", "unpacked"),
        ("other.zip", "not an Arduino library"),
        ("none.zip", "does not exist"),
    ):
        with pytest.raises(DataError, match=words):
            open_library(tmp_path / name, tmp_path / "unpacked")
