from __future__ import annotations

from pathlib import Path

import pytest

from ei_toolkit.config.lockfile import Lock, read_lock, write_lock
from ei_toolkit.errors import ConfigurationError, DataError

LOCK = Lock(3, 1, "tflite-eon", "int8", "arduino", ".eitk/builds/3/lib.zip", "ab" * 32, ".eitk/builds/3/model.tflite",
            "cd" * 32, "2026-11-21T00:00:00Z")  # fmt: skip


def test_a_lock_reads_back_as_it_was_written(tmp_path: Path) -> None:
    write_lock(tmp_path / "eitk.lock", LOCK)
    assert read_lock(tmp_path / "eitk.lock") == LOCK
    assert [file.name for file in tmp_path.iterdir()] == ["eitk.lock"]


def test_no_lock_is_none(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "eitk.lock") is None


@pytest.mark.parametrize("text", ["not toml", "deployment_version = true", 'deployment_version = "3"', ""])
def test_a_damaged_lock_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "eitk.lock").write_text(text)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_lock(tmp_path / "eitk.lock")


def test_a_build_that_was_deleted_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lib\.zip is not there"):
        LOCK.zip_path(tmp_path)
