"""eitk.lock pins one deployment; a file that does not is refused with its reason."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@given(st.builds(Lock, st.integers(0, 2**53), st.integers(0, 2**53), *[st.text(max_size=20)] * 8))
def test_any_text_survives_in_a_lock(lock: Lock) -> None:
    with TemporaryDirectory() as folder:
        write_lock(Path(folder) / "eitk.lock", lock)
        assert read_lock(Path(folder) / "eitk.lock") == lock


@pytest.mark.parametrize("name", [field.name for field in fields(Lock)])
@pytest.mark.parametrize("replacement", ["", "{name} = true", "{name} = 1.5", "{name} = []"])
def test_each_key_is_needed_and_has_its_type(tmp_path: Path, name: str, replacement: str) -> None:
    write_lock(tmp_path / "eitk.lock", LOCK)
    text = re.sub(rf"(?m)^{name} = .*$", replacement.format(name=name), (tmp_path / "eitk.lock").read_text())
    (tmp_path / "eitk.lock").write_text(text)
    with pytest.raises(
        ConfigurationError, match=rf"eitk\.lock cannot be read \({name} is missing or not a (int|str)\)"
    ):
        read_lock(tmp_path / "eitk.lock")


def test_the_error_of_a_damaged_lock_has_the_command_that_makes_it_anew(tmp_path: Path) -> None:
    (tmp_path / "eitk.lock").write_bytes(b'engine = "\xff"\n')
    with pytest.raises(ConfigurationError, match="codec can't decode") as caught:
        read_lock(tmp_path / "eitk.lock")
    assert caught.value.hint == "Make it anew with: eitk build"


def test_a_folder_in_place_of_the_lock_is_named(tmp_path: Path) -> None:
    (tmp_path / "eitk.lock").mkdir()
    with pytest.raises(ConfigurationError, match=r"eitk\.lock cannot be read \(.*directory"):
        read_lock(tmp_path / "eitk.lock")


def test_keys_of_a_later_version_are_ignored(tmp_path: Path) -> None:
    write_lock(tmp_path / "eitk.lock", LOCK)
    with (tmp_path / "eitk.lock").open("a") as file:
        file.write('signature = "ab"\n[notes]\nauthor = "a"\n')
    assert read_lock(tmp_path / "eitk.lock") == LOCK


def test_a_lock_starts_with_the_reason_to_keep_it_in_version_control(tmp_path: Path) -> None:
    write_lock(tmp_path / "eitk.lock", LOCK)
    first, second = (tmp_path / "eitk.lock").read_text().splitlines()[:2]
    assert first.startswith("# Written by eitk build; keep it in version control")
    assert second == "deployment_version = 3"


def test_the_files_of_a_lock_are_those_below_the_project(tmp_path: Path) -> None:
    for file in (LOCK.zip, LOCK.model):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert LOCK.zip_path(tmp_path) == tmp_path / ".eitk" / "builds" / "3" / "lib.zip"
    assert LOCK.model_path(tmp_path) == tmp_path / ".eitk" / "builds" / "3" / "model.tflite"
    (tmp_path / LOCK.model).unlink()
    (tmp_path / LOCK.model).mkdir()
    with pytest.raises(DataError, match=r"model\.tflite is not there \(eitk\.lock names it\)") as caught:
        LOCK.model_path(tmp_path)
    assert caught.value.hint == "Download it again with: eitk build"
