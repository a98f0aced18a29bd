"""`eitk report` and `eitk card`: the files that are written, and what is printed in place of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import eitk

from ei_toolkit.config import load_config
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.evaluation.run_log import record_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with two windows and one training, without a processing block."""
    (tmp_path / "eitk.toml").write_text('[project]\nname = "Größe <1>"\n', encoding="utf-8")
    config = load_config(tmp_path, {})
    config.paths.windows.mkdir(parents=True)
    rows = tuple(
        Window(f"{n}.wav", f"{n:064}", f"{n}.wav", f"{n:064}", f"a{n}", 0, label, split)  # type: ignore[arg-type]
        for n, (label, split) in enumerate((("rock", "training"), ("classical", "testing")))
    )
    Manifest(rows).write(config.paths.manifest)
    int8 = {"accuracy": 0.9, "loss": 0.25, "confusion_matrix": [[9, 1], [1, 9]]}
    record_run(config, "train", {"validation": {"int8": int8}, "history": {}})
    return tmp_path


@pytest.mark.parametrize("command", ["report", "card"])
def test_a_missing_folder_is_an_error_and_is_not_made(folder: Path, command: str) -> None:
    code, out, err = eitk(folder, command, "-o", "gone/page")
    assert (code, out) == (2, "")
    assert f"there is no folder {folder / 'gone'}" in err
    assert not (folder / "gone").exists()


@pytest.mark.parametrize("command", ["report", "card"])
def test_before_the_windows_there_is_nothing_to_write(tmp_path: Path, command: str) -> None:
    code, out, err = eitk(tmp_path, command)
    assert (code, out) == (3, "")
    assert "error: there are no windows at" in err
    assert "try: eitk slice" in err
    assert list(tmp_path.iterdir()) == []


def test_a_report_is_one_file_beside_the_project(folder: Path) -> None:
    code, out, _ = eitk(folder, "report")
    assert (code, out) == (0, f"wrote {folder / 'report.html'}\n")
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "<title>Größe &lt;1&gt;</title>" in html


def test_the_name_of_a_report_is_relative_to_the_current_folder(folder: Path) -> None:
    data = eitk(folder, "report", "-o", "out.html", "--json").data
    assert data == {"report": str(folder / "out.html"), "bytes": (folder / "out.html").stat().st_size, "figures": []}


def test_figures_of_steps_that_were_not_done_are_not_written(folder: Path) -> None:
    code, out, _ = eitk(folder, "report", "--figures", "pictures")
    assert (code, out) == (0, f"wrote {folder / 'report.html'} and 0 figures to pictures\n")
    assert not (folder / "pictures").exists()


def test_a_report_can_be_opened_in_the_browser(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("typer.launch", opened.append)
    assert eitk(folder, "report", "--open").code == 0
    assert opened == [(folder / "report.html").as_uri()]


def test_the_tables_of_the_published_project_are_printed_with_own_figures(folder: Path) -> None:
    code, out, _ = eitk(folder, "report", "--like", "reference")
    assert code == 0
    assert "Table 1. Clips for training and testing" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["rock", "80", "20", "100", "1", "0", "1"] in rows
    assert ["validation", "int8", "ours", "0.9", "–", "–", "–", "–", "0.25"] in rows
    assert not (folder / "report.html").exists()


def test_the_tables_as_json_have_a_row_for_each_line(folder: Path) -> None:
    data = eitk(folder, "report", "--like", "reference", "--json").data
    (confusion,) = [rows for title, rows in data.items() if title.startswith("Table 3")]
    assert confusion[0]["actual \\ predicted"] == "classical"
    assert confusion[0]["rock (ours)"] == "10.0 %"


def test_other_tables_do_not_exist(folder: Path) -> None:
    code, _, err = eitk(folder, "report", "--like", "mine")
    assert code == 2
    assert "'--like': 'mine' is not one of 'reference'" in err


def test_a_card_is_markdown_with_front_matter(folder: Path) -> None:
    code, out, _ = eitk(folder, "card")
    assert (code, out) == (0, f"wrote {folder / 'MODEL_CARD.md'}\n")
    text = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert text.startswith("---\nlibrary_name")
    assert "\n# Größe <1>\n" in text
    assert eitk(folder, "card", "-o", "CARD.md", "--json").data == {"card": str(folder / "CARD.md"), "text": text}


@pytest.mark.parametrize("command", ["report", "card"])
def test_a_folder_in_place_of_the_file_is_an_error(folder: Path, command: str) -> None:
    (folder / "there").mkdir()
    code, out, err = eitk(folder, command, "-o", "there")
    assert (code, out) == (2, "")
    assert str(folder / "there") in err
    assert "try:" in err


def test_a_report_notes_at_once_that_figures_are_drawn(folder: Path) -> None:
    assert eitk(folder, "report").err.splitlines()[0] == "drawing the figures of the report, report.html"
    assert eitk(folder, "report", "--quiet").err == ""
