"""`eitk champion`: the list of champions, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support import eitk

from ei_toolkit.cli.complete import champions
from ei_toolkit.config import Config
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.evaluation.candidate import Candidate
from ei_toolkit.evaluation.champions import promote

OLD, NEW = "20261120T100000-8bb41e522991", "20261121T100000-f7d3c4a850cc"


@pytest.fixture
def folder(project: Callable[..., Config]) -> Path:
    """A project with two champions."""
    config = project()
    for number, model in enumerate((b"TFL3 old", b"TFL3 new")):
        candidate = Candidate(model, ("a", "b"), config.settings, TrainingProvenance(frozenset(), frozenset()))
        figures = {"thresholded_accuracy": 0.9}
        promote(config.paths, candidate, {"promoted": f"2026-11-2{number}T10:00:00+00:00", "figures": figures})
    return config.paths.root


def test_the_list_names_all_champions_and_the_present_one(folder: Path) -> None:
    lines = eitk(folder, "champion", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", OLD, NEW]
    assert "90.0 %" in lines[1] and lines[1].rstrip().endswith("earlier")
    assert lines[2].rstrip().endswith("champion")
    assert [one["is_champion"] for one in eitk(folder, "champion", "list", "--json").data] == [False, True]


def test_a_rollback_names_both_and_warns_of_a_missing_build(folder: Path) -> None:
    done = eitk(folder, "champion", "rollback")
    assert (done.code, done.out) == (0, f"{OLD} is the champion again, instead of {NEW}\n")
    assert f"warning: the build of {OLD} is not there, so eitk.lock is not changed" in done.err


def test_a_dry_run_is_conditional_and_changes_nothing(folder: Path) -> None:
    file = folder / "champion.json"
    before = file.read_text()
    done = eitk(folder, "champion", "rollback", "--dry-run")
    assert done.out == f"{OLD} would be the champion again, instead of {NEW}\n"
    assert file.read_text() == before


def test_programs_get_both_champions(folder: Path) -> None:
    data = eitk(folder, "champion", "rollback", "--to", OLD, "--json").data
    assert (data["restored"]["name"], data["given_up"]["name"]) == (OLD, NEW)
    assert (data["is_pinned"], data["dry_run"]) == (False, False)


def test_a_wrong_name_is_an_error_of_usage(folder: Path) -> None:
    done = eitk(folder, "champion", "rollback", "--to", "yesterday")
    assert done.code == 2
    assert "error: --to: there is no champion yesterday" in done.err


def test_the_shell_completes_the_names_of_earlier_champions(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert champions() == [OLD]
    (folder / "eitk.toml").write_text("[project")
    assert champions() == []
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert champions() == []
