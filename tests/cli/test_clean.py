from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support import eitk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "eitk.toml").write_text('[project]\nname = "hum"\n')
    (tmp_path / ".eitk/windows").mkdir(parents=True)
    (tmp_path / ".eitk/windows/a.wav").write_bytes(b"RIFF" * 1000)
    (tmp_path / ".eitk/runs.sqlite").write_bytes(b"")
    return tmp_path


def test_dry_run_removes_nothing(folder: Path) -> None:
    code, out, _ = eitk(folder, "clean", "--dry-run", "--json")
    assert (code, json.loads(out)["found"]) == (0, [".eitk/windows"])
    assert (folder / ".eitk/windows/a.wav").exists()


def test_clean_reports_what_was_removed_and_can_be_repeated(folder: Path) -> None:
    assert json.loads(eitk(folder, "clean", "--json", "--yes")[1])["bytes"] == 4000
    assert json.loads(eitk(folder, "clean", "--json", "--yes")[1])["removed"] == []


@pytest.mark.parametrize("flags", [(), ("--all",), ("--json",), ("--quiet",)])
def test_without_a_terminal_nothing_is_removed_without_yes(folder: Path, flags: tuple[str, ...]) -> None:
    code, out, err = eitk(folder, "clean", *flags)
    assert (code, out) == (2, "")
    assert "--yes" in err
    assert (folder / ".eitk/windows").exists()


def test_all_also_removes_the_runs(folder: Path) -> None:
    assert eitk(folder, "clean", "--all", "--yes")[0] == 0
    assert not (folder / ".eitk/runs.sqlite").exists()


def test_the_features_of_a_search_are_removed_and_its_trials_only_with_all(folder: Path) -> None:
    search = folder / ".eitk/tune/search.sqlite"
    (folder / ".eitk/tune/features").mkdir(parents=True)
    search.write_bytes(b"trials")
    assert eitk(folder, "clean", "--yes")[0] == 0
    assert [path.name for path in search.parent.iterdir()] == ["search.sqlite"]
    assert eitk(folder, "clean", "--yes", "--all")[0] == 0
    assert not search.exists()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets what the user types; stderr and stdin are terminals."""

    def give(text: str) -> None:
        monkeypatch.setattr("sys.stdin", Terminal(text))
        monkeypatch.setattr("io.StringIO", Terminal)

    return give


@pytest.mark.parametrize("typed", ["n\n", "\n", ""], ids=["no", "return", "end of the input"])
@pytest.mark.parametrize("flags", [(), ("--all",)])
def test_every_answer_but_yes_removes_nothing(
    folder: Path, answers: Callable[[str], None], typed: str, flags: tuple[str, ...]
) -> None:
    answers(typed)
    code, out, err = eitk(folder, "clean", *flags)
    assert (code, out) == (1, "")
    assert "nothing was removed" in err
    assert (folder / ".eitk/runs.sqlite").exists()
    assert (folder / ".eitk/windows").exists()


def test_yes_removes_what_the_question_named(
    folder: Path, answers: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    answers("y\n")
    assert eitk(folder, "clean", "--all")[0] == 0
    shown = capsys.readouterr()
    assert "remove 3.9 KiB (runs.sqlite, windows), with data that no command makes again?" in shown.err + shown.out
    assert not (folder / ".eitk/windows").exists()


def test_an_empty_folder_has_nothing_to_remove(tmp_path: Path) -> None:
    assert eitk(tmp_path, "clean")[:2] == (0, "there is nothing to remove\n")
