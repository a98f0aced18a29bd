"""`eitk clean`: what a command can make again is removed, and the pinned build stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support import eitk

from ei_toolkit.cli.clean import find_leftovers
from ei_toolkit.config import Config, ProjectPaths
from ei_toolkit.config.lockfile import Lock, write_lock


@pytest.fixture
def paths(project: Callable[..., Config]) -> ProjectPaths:
    """A project with windows, two builds of which the second is pinned, a champion and a virtual board's state."""
    found = project().paths
    for file, size in (
        (found.windows / "a.wav", 100),
        (found.builds / "1" / "lib.zip", 20),
        (found.builds / "2" / "lib.zip", 3000),
        (found.builds / "2" / "model.tflite", 400),
        (found.boards / "host" / "image.bin", 7),
        (found.root / "champion.json", 50),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(size))
    lock = Lock(2, 1, "tflite-eon", "int8", "arduino", ".eitk/builds/2/lib.zip", "0" * 64,
                ".eitk/builds/2/model.tflite", "1" * 64, "2026-11-21")  # fmt: skip
    write_lock(found.lock, lock)
    return found


def names(paths: ProjectPaths, *, everything: bool = False) -> dict[str, tuple[int, str]]:
    found = find_leftovers(paths, everything=everything)
    return {str(one.path.relative_to(paths.root)): (one.bytes, one.again) for one in found}


def test_each_leftover_has_its_size_and_the_command_that_makes_it_again(paths: ProjectPaths) -> None:
    assert names(paths) == {
        ".eitk/boards/host": (7, "eitk flash"),
        ".eitk/builds/1": (20, "eitk build"),
        ".eitk/windows": (100, "eitk slice"),
    }


def test_what_no_command_makes_again_needs_an_option(paths: ProjectPaths) -> None:
    paths.runs.write_bytes(b"runs")
    (paths.studio / "data").mkdir(parents=True)
    more = set(names(paths, everything=True)) - set(names(paths))
    assert more == {".eitk/runs.sqlite", ".eitk/studio"}
    assert names(paths, everything=True)[".eitk/runs.sqlite"] == (4, "")


def test_without_a_pinned_build_every_build_can_be_removed(paths: ProjectPaths) -> None:
    paths.lock.unlink()
    assert {".eitk/builds/1", ".eitk/builds/2"} <= set(names(paths))


def test_the_pinned_build_the_champion_and_the_settings_stay(paths: ProjectPaths) -> None:
    assert eitk(paths.root, "clean", "--yes").code == 0
    assert sorted(path.name for path in paths.root.iterdir()) == [".eitk", "champion.json", "eitk.lock", "eitk.toml"]
    assert sorted(path.name for path in paths.builds.iterdir()) == ["2"]
    assert (paths.builds / "2" / "model.tflite").stat().st_size == 400


def test_a_link_is_not_followed(paths: ProjectPaths, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "precious.wav").write_bytes(bytes(10_000))
    (paths.windows / "link.wav").symlink_to(outside / "precious.wav")
    (paths.builds / "3").mkdir()
    (paths.builds / "3" / "folder").symlink_to(outside)
    assert names(paths)[".eitk/windows"][0] == 100
    assert eitk(paths.root, "clean", "--yes").code == 0
    assert (outside / "precious.wav").exists()
    assert not (paths.builds / "3").exists()


def test_a_dry_run_shows_the_same_rows_and_removes_nothing(paths: ProjectPaths) -> None:
    lines = [line.split() for line in eitk(paths.root, "clean", "--dry-run").out.splitlines()]
    assert lines[0] == ["would", "be", "removed", "size", "made", "again", "by"]
    assert [".eitk/windows", "0.1", "KiB", "eitk", "slice"] in lines
    assert (paths.windows / "a.wav").exists()
    done = eitk(paths.root, "clean", "--json", "--yes").data
    assert done["removed"] == done["found"] == [".eitk/boards/host", ".eitk/builds/1", ".eitk/windows"]
    assert done["bytes"] == 127


def test_a_damaged_lock_removes_nothing(paths: ProjectPaths) -> None:
    paths.lock.write_text("no toml [")
    code, _, err = eitk(paths.root, "clean", "--yes")
    assert code == 3
    assert "eitk.lock cannot be read" in err
    assert (paths.windows / "a.wav").exists()


def test_a_folder_without_a_project_has_nothing_to_remove(tmp_path: Path) -> None:
    assert eitk(tmp_path, "clean", "--json").data == {"removed": [], "found": [], "bytes": 0}
    assert list(tmp_path.iterdir()) == []
