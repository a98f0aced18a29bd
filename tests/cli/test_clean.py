from __future__ import annotations

import io
import json
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
    assert json.loads(eitk(folder, "clean", "--json")[1])["bytes"] == 4000
    assert json.loads(eitk(folder, "clean", "--json")[1])["removed"] == []


def test_all_needs_yes_without_a_terminal(folder: Path) -> None:
    code, _, err = eitk(folder, "clean", "--all")
    assert code == 2
    assert "--yes" in err
    assert (folder / ".eitk/windows").exists()
    assert eitk(folder, "clean", "--all", "--yes")[0] == 0
    assert not (folder / ".eitk/runs.sqlite").exists()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_answer_no_removes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("io.StringIO", Terminal)
    monkeypatch.setattr("typer.confirm", lambda *_a, **_k: False)
    code, _, err = eitk(folder, "clean", "--all")
    assert (code, err) == (1, "nothing was removed\n")
    assert (folder / ".eitk/runs.sqlite").exists()
