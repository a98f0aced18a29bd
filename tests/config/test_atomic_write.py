"""A file or folder is written whole or not at all, and no partial one is left behind."""

from __future__ import annotations

import errno
import io
import os
import stat
from concurrent.futures import ThreadPoolExecutor
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


def test_threads_that_write_one_file_at_once_do_not_mix_their_contents(tmp_path: Path) -> None:
    contents = [character * 20_000 for character in "abcd"]
    seen: list[str] = []

    def write(text: str) -> None:
        for _ in range(25):
            write_text(tmp_path / "a.txt", text)
            seen.append((tmp_path / "a.txt").read_text())

    with ThreadPoolExecutor(len(contents)) as threads:
        list(threads.map(write, contents))
    assert len(seen) == 100 and set(seen) <= set(contents)
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_disk_that_is_full_keeps_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes(tmp_path / "a", b"old")

    class Full(io.BytesIO):
        def write(self, _data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def full(descriptor: int, _mode: str) -> Full:
        os.close(descriptor)
        return Full()

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(tmp_path / "a", b"new")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a", b"old")]


def test_a_new_file_has_the_permissions_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a.txt", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


def test_an_interrupted_block_leaves_no_partial_file(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), replace_file(tmp_path / "a.txt") as partial:
        partial.write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_block_that_writes_nothing_is_an_error_and_keeps_the_old_file(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(FileNotFoundError), replace_file(tmp_path / "a.txt"):
        pass
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_symbolic_link_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("target")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_text(tmp_path / "link", "new")
    assert not (tmp_path / "link").is_symlink()
    assert [(tmp_path / name).read_text() for name in ("link", "target")] == ["new", "target"]


def test_a_partial_folder_of_an_earlier_process_does_not_matter(tmp_path: Path) -> None:
    with replace_folder(tmp_path / "new" / "build") as partial:
        name = partial.name
    (tmp_path / "new" / name).mkdir()
    (tmp_path / "new" / name / "left").touch()
    with replace_folder(tmp_path / "new" / "build") as partial:
        (partial / "file").touch()
    assert [file.relative_to(tmp_path).as_posix() for file in sorted(tmp_path.rglob("*"))] == [
        "new", "new/build", "new/build/file",
    ]  # fmt: skip
