"""Every run is a row with the settings, windows and code that were used, and the results."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from ei_toolkit.config import Config
from ei_toolkit.errors import DataError, UsageError
from ei_toolkit.evaluation.run_log import find_run, find_same, list_runs, record_run

Make = Callable[..., Config]


def test_a_row_holds_settings_windows_code_and_metrics(project: Make) -> None:
    config = project()
    config.paths.windows.mkdir(parents=True)
    config.paths.manifest.write_text("file,sha256\n")
    run = record_run(config, "train", {"accuracy": 0.9, "classes": {"rock": 0.8}})
    assert find_run(config.paths, run.id) == run
    assert run.metrics == {"accuracy": 0.9, "classes": {"rock": 0.8}}
    assert run.config["training"]["epochs"] == 30
    assert len(run.data_hash) == 64
    assert run.code_version.startswith("0.")


def test_runs_are_listed_oldest_first_and_by_kind(project: Make) -> None:
    config = project()
    for kind in ("train", "gate", "train"):
        record_run(config, kind, {})  # type: ignore[arg-type]
    assert [run.kind for run in list_runs(config.paths)] == ["train", "gate", "train"]
    assert [run.id for run in list_runs(config.paths, "train")] == [1, 3]


def test_a_project_without_runs_has_an_empty_list_and_no_new_file(project: Make) -> None:
    paths = project().paths
    assert list_runs(paths) == []
    assert not paths.runs.exists()


def test_the_same_settings_windows_and_code_are_recognised(project: Make) -> None:
    first = record_run(project(), "gate", {})
    assert find_same(project(), "gate") == first
    assert find_same(project(), "train") is None


@pytest.mark.parametrize("changed", [{"training__seed": 8}, {"gate__max_ram_kb": 1.0}, {"slice__hop_ms": 1000}])
def test_another_setting_changes_the_fingerprint(project: Make, changed: dict[str, object]) -> None:
    record_run(project(), "gate", {})
    assert find_same(project(**changed), "gate") is None


@pytest.mark.parametrize("changed", [{"studio__url": "http://127.0.0.1:4800/v1"}, {"board__name": "host"}])
def test_studio_and_board_do_not_change_the_fingerprint(project: Make, changed: dict[str, object]) -> None:
    first = record_run(project(), "gate", {})
    assert find_same(project(**changed), "gate") == first


def test_other_windows_change_the_fingerprint(project: Make) -> None:
    config = project()
    record_run(config, "gate", {})
    config.paths.windows.mkdir(parents=True)
    config.paths.manifest.write_text("file,sha256\n")
    assert find_same(config, "gate") is None


def test_an_unknown_run_or_kind_is_a_usage_error(project: Make) -> None:
    with pytest.raises(UsageError, match="no run 5"):
        find_run(project().paths, 5)
    with pytest.raises(UsageError, match="no kind of run 'trian'"):
        list_runs(project().paths, "trian")


def test_a_file_that_is_not_a_database_is_reported_and_not_changed(project: Make) -> None:
    config = project()
    config.paths.state.mkdir()
    config.paths.runs.write_text("these are not the rows" * 100)
    with pytest.raises(DataError, match=r"runs\.sqlite is damaged"):
        record_run(config, "train", {})
    assert config.paths.runs.read_text().startswith("these are not the rows")


def test_a_run_that_cannot_be_written_whole_is_not_written(project: Make) -> None:
    config = project()
    record_run(config, "train", {})
    with pytest.raises(TypeError):
        record_run(config, "train", {"path": config.paths.root})
    with sqlite3.connect(config.paths.runs) as db:
        assert db.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    db.close()


def test_a_file_that_cannot_be_written_is_not_called_damaged(project: Make) -> None:
    config = project()
    config.paths.runs.mkdir(parents=True)
    with pytest.raises(DataError, match=r"runs\.sqlite cannot be read or written") as caught:
        record_run(config, "train", {})
    assert "Move the file away" not in caught.value.hint
    assert str(config.paths.state) in caught.value.hint
