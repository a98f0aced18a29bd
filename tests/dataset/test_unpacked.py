"""Zip archives as data sets: unpacked once, again when they change, and never beyond their limits."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from ei_toolkit.config.archive import GIB
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.dataset import unpacked as module
from ei_toolkit.dataset.unpacked import limits_of, unpacked
from ei_toolkit.errors import ArchiveError


def archive_of(folder: Path, **contents: bytes) -> Path:
    with zipfile.ZipFile(folder / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(f"rock/{name}.wav", content)
    return folder / "set.zip"


def test_an_archive_is_unpacked_into_the_state_of_the_project(tmp_path: Path) -> None:
    folder = unpacked(archive_of(tmp_path, a=b"sound"), ProjectPaths(tmp_path))
    assert folder.parent == tmp_path / ".eitk" / "unpacked" and folder.name.startswith("set.")
    assert (folder / "rock" / "a.wav").read_bytes() == b"sound"


def test_it_is_unpacked_once_and_again_when_it_changes(tmp_path: Path) -> None:
    archive, paths = archive_of(tmp_path, a=b"sound"), ProjectPaths(tmp_path)
    first = unpacked(archive, paths)
    (first / "rock" / "a.wav").write_bytes(b"kept as it is")
    assert unpacked(archive, paths) == first
    assert (first / "rock" / "a.wav").read_bytes() == b"kept as it is"
    os.utime(archive_of(tmp_path, a=b"other"), ns=(1, 1))
    assert (unpacked(archive, paths) / "rock" / "a.wav").read_bytes() == b"other"


def test_silence_may_grow_a_thousand_times(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, silence=bytes(4 * 2**20))
    assert archive.stat().st_size < 6000
    folder = unpacked(archive, ProjectPaths(tmp_path))
    assert (folder / "rock" / "silence.wav").stat().st_size == 4 * 2**20


def test_an_archive_that_grows_too_much_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALLOWED_BYTES", 2**20)
    with pytest.raises(ArchiveError, match=r"set\.zip is too large to unpack"):
        unpacked(archive_of(tmp_path, silence=bytes(4 * 2**20)), ProjectPaths(tmp_path))
    assert not list((tmp_path / ".eitk").rglob("*.wav"))


@pytest.mark.parametrize(("size", "total"), [(1000, 4 * GIB), (GIB, 30 * GIB)])
def test_the_limit_grows_with_the_archive(size: int, total: int) -> None:
    assert limits_of(size).total_bytes == total
