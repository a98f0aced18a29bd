"""A file or folder is written whole or not at all, and no partial one is left behind."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ei_toolkit.config.atomic_write import replace_file, replace_folder, write_bytes, write_text
from ei_toolkit.errors import UsageError


def test_a_folder_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        write_text(tmp_path / "there", "text")
    assert [file.name for file in tmp_path.iterdir()] == ["there"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Path, _target: Path) -> None:
        raise OSError("no space")

    write_text(tmp_path / "a.txt", "old")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        write_text(tmp_path / "a.txt", "new")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "old")]


def test_text_is_written_as_utf_8_into_a_new_folder(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "a.txt", "Schöne Klassik\n")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "Schöne Klassik\n".encode()


def test_a_private_file_is_private_from_the_start(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("old")
    (tmp_path / "key").chmod(0o644)
    write_bytes(tmp_path / "key", b"secret", mode=0o600)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_readers_see_the_old_file_until_the_block_ends(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with replace_file(tmp_path / "a.txt") as partial:
        partial.write_text("half")
        assert (tmp_path / "a.txt").read_text() == "old"
        partial.write_text("new")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "new")]


def test_a_partial_file_of_an_earlier_process_does_not_matter(tmp_path: Path) -> None:
    with replace_file(tmp_path / "a.txt") as partial:
        name = partial.name
        partial.write_text("x")
    (tmp_path / name).write_text("left by a killed process with this id")
    write_text(tmp_path / "a.txt", "new")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "new")]


@pytest.mark.parametrize("fails", [False, True])
def test_a_folder_is_replaced_as_a_whole(tmp_path: Path, fails: bool) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "old").touch()
    try:
        with replace_folder(tmp_path / "build") as partial:
            (partial / "new").touch()
            assert [file.name for file in (tmp_path / "build").iterdir()] == ["old"]
            if fails:
                raise OSError("no space")
    except OSError:
        assert fails
    assert [file.name for file in tmp_path.iterdir()] == ["build"]
    assert [file.name for file in (tmp_path / "build").iterdir()] == ["old" if fails else "new"]
