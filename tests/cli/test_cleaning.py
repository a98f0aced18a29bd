"""Files that a command can make again are removed; all others only with --all."""

from __future__ import annotations

from pathlib import Path

import pytest

from ei_toolkit.cli.clean import find_leftovers, remove
from ei_toolkit.config import Config
from ei_toolkit.evaluation.run_log import list_runs
from ei_toolkit.report.project_summary import ProjectSummary
from ei_toolkit.studio.lifecycle import ensure, status


def names(config: Config, *, everything: bool = False) -> list[str]:
    found = find_leftovers(config.paths, everything=everything)
    return [str(leftover.path.relative_to(config.paths.root)) for leftover in found]


def test_windows_and_builds_that_are_not_pinned_are_removed(whole: ProjectSummary) -> None:
    paths = whole.config.paths
    for version in ("1", "3"):
        (paths.builds / version).mkdir(parents=True)
        (paths.builds / version / "lib.zip").write_bytes(b"zip")
    paths.lock.write_text(paths.lock.read_text().replace('"lib.zip"', '".eitk/builds/3/lib.zip"'))
    assert names(whole.config) == [".eitk/builds/1", ".eitk/windows"]
    freed = remove(paths, find_leftovers(paths, everything=False))
    assert freed > 1_000_000
    assert not paths.windows.exists()
    assert (paths.builds / "3/lib.zip").exists()
    assert list_runs(paths)


def test_the_studio_and_the_runs_are_removed_only_with_all(whole: ProjectSummary) -> None:
    whole.config.paths.studio.mkdir()
    assert ".eitk/studio" not in names(whole.config)
    assert {".eitk/studio", ".eitk/runs.sqlite"} <= set(names(whole.config, everything=True))


def test_a_studio_that_runs_is_stopped_before_its_data_is_removed(tmp_path: Path, sliced: Config) -> None:
    pytest.importorskip("fastapi")
    ensure(sliced.paths, "hum", idle_s=60)
    assert status(sliced.paths.studio)
    remove(sliced.paths, find_leftovers(sliced.paths, everything=True))
    assert not sliced.paths.studio.exists()
    assert not status(sliced.paths.studio)
    assert (tmp_path / "eitk.toml").exists()


def test_a_clean_project_has_nothing_to_clean(whole: ProjectSummary) -> None:
    paths = whole.config.paths
    remove(paths, find_leftovers(paths, everything=True))
    assert find_leftovers(paths, everything=True) == []
