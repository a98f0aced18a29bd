"""The output and exit codes of `eitk runs`."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from support import eitk

from ei_toolkit.config import load_config
from ei_toolkit.config.recipes import write_recipe
from ei_toolkit.evaluation.run_log import record_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project in which one model was trained twice, the second time for five epochs."""
    write_recipe("reference", tmp_path, clips=None, name=None, force=False)
    record_run(load_config(tmp_path, {}), "train", {"int8": {"accuracy": 0.9}})
    record_run(load_config(tmp_path, {}, {"training.epochs": 5}), "train", {"int8": {"accuracy": 0.7}})
    return tmp_path


def test_list_is_a_table_or_json(folder: Path) -> None:
    code, shown, _ = eitk(folder, "runs", "list")
    assert code == 0
    assert shown.splitlines()[0].split() == ["run", "when", "kind", "result", "windows", "fingerprint"]
    assert "int8.accuracy 0.7" in shown.splitlines()[-1]
    assert [row["id"] for row in json.loads(eitk(folder, "runs", "list", "--last", "1", "--json")[1])] == [2]


def test_compare_shows_changed_settings_and_metrics(folder: Path) -> None:
    lines = [line.split() for line in eitk(folder, "runs", "compare", "1", "2")[1].splitlines()]
    assert ["training.epochs", "30", "5"] in lines
    assert ["result", "run", "1", "run", "2", "change"] in lines
    assert ["int8.accuracy", "90.0", "%", "70.0", "%", "-20.0", "points"] in lines


def test_runs_without_a_difference_are_the_same(folder: Path) -> None:
    record_run(load_config(folder, {}), "train", {"int8": {"accuracy": 0.9}})
    assert eitk(folder, "runs", "compare", "1", "3").out == "the runs have the same settings and results\n"
    assert "int8.accuracy" in eitk(folder, "runs", "compare", "1", "3", "--all").out


def test_a_figure_is_written_as_png_or_as_a_page(folder: Path) -> None:
    for accuracy in (0.5, 0.75):
        metrics = {"test": {"int8": {"top_1_accuracy": accuracy}}, "history": {"accuracy": [0.25, accuracy]}}
        record_run(load_config(folder, {}), "train", metrics)
    assert eitk(folder, "runs", "compare", "3", "4", "--plot", "runs.png").code == 0
    assert (folder / "runs.png").read_bytes().startswith(b"\x89PNG")
    assert "wrote" in eitk(folder, "runs", "compare", "3", "4", "--plot", "runs.html").err
    page = (folder / "runs.html").read_text()
    assert "<td>top-1 accuracy</td>" in page and "+25.0 points" in page and "<svg" in page


@pytest.mark.parametrize(
    ("file", "message"), [("runs.txt", "runs.txt is no figure"), ("missing/runs.png", "there is no folder")]
)
def test_a_figure_that_cannot_be_written_is_an_error_of_usage(folder: Path, file: str, message: str) -> None:
    done = eitk(folder, "runs", "compare", "1", "2", "--plot", file)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_export_writes_csv_or_json(folder: Path) -> None:
    assert eitk(folder, "runs", "export", "-o", "runs.csv")[0] == 0
    rows = list(csv.DictReader((folder / "runs.csv").read_text().splitlines()))
    assert [row["metrics.int8.accuracy"] for row in rows] == ["0.9", "0.7"]
    assert len(json.loads(eitk(folder, "runs", "export", "--json")[1])) == 2


def test_seen_answers_with_its_exit_code(folder: Path) -> None:
    assert eitk(folder, "runs", "seen", "train")[0] == 0
    assert eitk(folder, "runs", "seen", "gate")[0] == 1
    assert eitk(folder, "runs", "seen", "nonsense")[0] == 2


def test_an_unknown_run_is_a_usage_error(folder: Path) -> None:
    assert eitk(folder, "runs", "show", "9")[0] == 2
    assert "training.epochs" in eitk(folder, "runs", "show", "2")[1]


def test_a_project_without_runs_has_a_message(tmp_path: Path) -> None:
    write_recipe("reference", tmp_path, clips=None, name=None, force=False)
    assert eitk(tmp_path, "runs", "list")[:2] == (0, "there are no runs yet\n")
    assert eitk(tmp_path, "runs", "list", "--kind", "gate")[1] == "there are no runs of the kind gate yet\n"
    assert eitk(tmp_path, "runs", "list", "--json")[1] == "[]\n"


@pytest.mark.parametrize("runs", [("1",), ("1", "1")])
def test_one_run_cannot_be_compared(folder: Path, runs: tuple[str, ...]) -> None:
    assert eitk(folder, "runs", "compare", *runs)[0] == 2


def test_the_last_runs_are_listed_oldest_first(folder: Path) -> None:
    for number in range(3, 25):
        record_run(load_config(folder, {}), "gate", {"verdict": f"number {number}"})
    ids = [row["id"] for row in eitk(folder, "runs", "list", "--json").data]
    assert ids == list(range(5, 25))
    assert len(eitk(folder, "runs", "list", "--last", "0", "--json").data) == 24
    assert [row["id"] for row in eitk(folder, "runs", "list", "--kind", "train", "--json").data] == [1, 2]
    assert "number 24" in eitk(folder, "runs", "list", "--last", "1").out


@pytest.mark.parametrize("words", [("list", "--kind", "trian"), ("export", "--kind", "trian"), ("seen", "trian")])
def test_an_unknown_kind_is_an_error_with_those_that_exist(folder: Path, words: tuple[str, ...]) -> None:
    code, out, err = eitk(folder, "runs", *words)
    assert (code, out) == (2, "")
    assert "there is no kind of run 'trian'" in err
    assert "Kinds: train, evaluation, build, flash, verify, gate" in err


def test_runs_are_compared_in_the_order_of_the_command_line(folder: Path) -> None:
    data = eitk(folder, "runs", "compare", "2", "1", "--json").data
    assert data == {
        "runs": [2, 1], "differences": {"training.epochs": [5, 30]}, "metrics": {"int8.accuracy": [0.7, 0.9]},
        "changes": {"int8.accuracy": [pytest.approx(0.2)]},
    }  # fmt: skip
    code, _, err = eitk(folder, "runs", "compare", "1", "9")
    assert code == 2
    assert "there is no run 9" in err


def test_without_a_file_the_export_is_the_result(folder: Path) -> None:
    code, out, err = eitk(folder, "runs", "export", "--kind", "train")
    assert (code, err) == (0, "")
    assert [row["config.training.epochs"] for row in csv.DictReader(out.splitlines())] == ["30", "5"]


def test_a_run_is_shown_with_every_setting_and_metric(folder: Path) -> None:
    data = eitk(folder, "runs", "show", "2", "--json").data
    assert (data["id"], data["kind"], data["config"]["training"]["epochs"]) == (2, "train", 5)
    rows = [line.split() for line in eitk(folder, "runs", "show", "2").out.splitlines()]
    assert ["metrics.int8.accuracy", "0.7"] in rows


def test_a_run_with_the_same_settings_is_named(folder: Path) -> None:
    data = eitk(folder, "runs", "seen", "train", "--json").data
    assert data == {"seen": True, "run": 1}
    assert eitk(folder, "runs", "seen", "gate", "--json").data == {"seen": False, "run": None}
    assert eitk(folder, "runs", "seen", "train").out.startswith("run 1 of 20")


def test_figures_that_are_not_numbers_are_null_in_every_json(folder: Path) -> None:
    record_run(load_config(folder, {}), "train", {"loss": float("nan"), "ratio": float("inf")})
    eitk(folder, "runs", "export", "--json", "-o", "runs.json")
    texts = [eitk(folder, "runs", "export", "--json").out, (folder / "runs.json").read_text(),
             eitk(folder, "runs", "list", "--json").out]  # fmt: skip
    for text in texts:
        metrics = json.loads(text, parse_constant=pytest.fail)[-1]["metrics"]
        assert metrics == {"loss": None, "ratio": None}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_word_of_the_list_is_broken_on_a_narrow_terminal(
    folder: Path, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_run(load_config(folder, {}), "evaluation", {"clean": {"track_accuracy": 0.98, "window_accuracy": 0.95}})
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("io.StringIO", Terminal)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", eitk(folder, "runs", "list").out)
    lines = [line.rstrip() for line in shown.splitlines()]
    assert max(map(len, lines)) <= columns
    assert ("fingerprint" in lines[0]) is (columns >= 100)
    words = " ".join(lines).split()
    assert {"train", "evaluation", "clip", "accuracy", "98.0", "%,", "95.0", "int8.accuracy", "0.7"} <= set(words)
    assert sum(re.fullmatch(r"\d{4}-\d\d-\d\d", word) is not None for word in words) == 3
