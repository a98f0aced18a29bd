from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ei_toolkit.cli.app import run
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment
from ei_toolkit.dataset.manifest import Manifest


def eitk(folder: Path, *arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = run(arguments, Environment(Console(out, err), folder, {}))
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for label in ("rock", "Schöne Klassik 🎻"):
        (tmp_path / "clips" / label).mkdir(parents=True)
        for number in range(5):
            sound = 0.1 * np.random.default_rng([len(label), number]).standard_normal(32_000)
            soundfile.write(tmp_path / "clips" / label / f"{number}.wav", sound, 8000)
    (tmp_path / "eitk.toml").write_text('[dataset]\nroot = "clips"\n[slice]\nsample_rate = 8000\nwindow_ms = 1000\n')
    return tmp_path


def test_a_table_says_what_went_where(project: Path) -> None:
    code, out, _ = eitk(project, "slice")
    assert code == 0
    assert out.split()[:5] == ["label", "split", "windows", "clips", "artists"]
    assert "Schöne Klassik 🎻  training" in out
    assert (project / ".eitk" / "windows" / "manifest.csv").is_file()


def test_json_has_the_counts_and_the_skipped(project: Path) -> None:
    (project / "clips" / "rock" / "bad.wav").write_text("text")
    code, out, err = eitk(project, "slice", "--json", "--jobs", "2")
    data = json.loads(out)
    assert code == 0
    assert data["rows"][2] == {
        "label": "rock", "split": "training", "windows": 12, "augmented": 0, "clips": 4, "artists": 4,
    }  # fmt: skip
    assert data["skipped"] == [{"clip": "rock/bad.wav", "reason": "not audio that can be read (Format not recognised)"}]
    assert "skipped rock/bad.wav: not audio" in err


def test_a_dry_run_writes_nothing(project: Path) -> None:
    code, out, _ = eitk(project, "slice", "--dry-run", "--json")
    assert code == 0
    assert json.loads(out)["dry_run"]
    assert set(json.loads(out)["rows"][0]) == {"label", "split", "clips", "artists"}
    assert eitk(project, "slice", "--dry-run")[1].split()[:4] == ["label", "split", "clips", "artists"]
    assert not (project / ".eitk").exists()


def test_labels_with_brackets_are_shown(project: Path) -> None:
    (project / "clips" / "rock").rename(project / "clips" / "[live]")
    (project / "eitk.toml").write_text((project / "eitk.toml").read_text() + "[project]\nlabels = []\n")
    assert "[live]" in eitk(project, "slice", "--dry-run")[1]
    assert "[live] training" in eitk(project, "dataset", "audit")[1]


def test_a_second_run_says_that_nothing_changed(project: Path) -> None:
    eitk(project, "slice")
    code, _, err = eitk(project, "slice")
    assert code == 0
    assert "nothing has changed" in err


def test_the_skipped_are_counted_beyond_the_first_ten(project: Path) -> None:
    for number in range(13):
        (project / "clips" / "rock" / f"bad{number}.wav").touch()
    assert "… and 3 more" in eitk(project, "slice")[2]
    assert "more" not in eitk(project, "slice", "--verbose")[2]


@pytest.mark.parametrize(("break_it", "code"), [("one label", 1), ("no folder", 3), ("no root", 3)])
def test_what_cannot_be_ends_in_a_message_and_its_exit_code(project: Path, break_it: str, code: int) -> None:
    if break_it == "one label":
        (project / "clips" / "rock").rename(project / "elsewhere")
    elif break_it == "no folder":
        (project / "clips").rename(project / "elsewhere")
    else:
        (project / "eitk.toml").unlink()
    found, out, err = eitk(project, "slice")
    assert found == code
    assert out == ""
    assert "error:" in err
    assert "try:" in err
    assert not (project / ".eitk").exists()


def test_a_run_that_was_killed_is_completed_by_the_next(project: Path) -> None:
    for number in range(5, 60):
        sound = 0.1 * np.random.default_rng(number).standard_normal(160_000)
        soundfile.write(project / "clips" / "rock" / f"{number}.wav", sound, 8000)
    command = [sys.executable, "-c", "from ei_toolkit.cli.app import main; main()", "slice", "--jobs", "1"]
    windows = project / ".eitk" / "windows"
    with subprocess.Popen(command, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        while not list(windows.glob("*.wav")):
            assert running.poll() is None
        running.kill()
    assert not (windows / "manifest.csv").exists()
    code, out, _ = eitk(project, "slice", "--json", "--jobs", "1")
    assert code == 0
    kept = {path.name for path in windows.iterdir()} - {"manifest.csv", "slice.json"}
    assert kept == {window.file for window in Manifest.read(windows / "manifest.csv").windows}
    assert sum(row["windows"] for row in json.loads(out)["rows"]) == len(kept)
