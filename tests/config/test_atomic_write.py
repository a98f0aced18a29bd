"""A file is written whole or not at all, and nothing else is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.errors import UsageError


def test_a_folder_is_refused_and_nothing_stays_beside_it(tmp_path: Path) -> None:
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
