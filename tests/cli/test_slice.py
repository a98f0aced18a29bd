from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support import eitk

from ei_toolkit.dataset.manifest import Manifest


@pytest.fixture
def noise_project(tmp_path: Path) -> Path:
    for label in ("rock", "Schöne Klassik 🎻"):
        (tmp_path / "clips" / label).mkdir(parents=True)
        for number in range(5):
            sound = 0.1 * np.random.default_rng([len(label), number]).standard_normal(32_000)
            soundfile.write(tmp_path / "clips" / label / f"{number}.wav", sound, 8000)
    (tmp_path / "eitk.toml").write_text('[dataset]\nroot = "clips"\n[slice]\nsample_rate = 8000\nwindow_ms = 1000\n')
    return tmp_path


def test_the_table_has_the_windows_of_each_split(noise_project: Path) -> None:
    code, out, _ = eitk(noise_project, "slice")
    assert code == 0
    assert out.split()[:5] == ["label", "split", "windows", "clips", "groups"]
    assert "Schöne Klassik 🎻  training" in out
    assert (noise_project / ".eitk" / "windows" / "manifest.csv").is_file()


def test_json_has_the_counts_and_the_skipped(noise_project: Path) -> None:
    (noise_project / "clips" / "rock" / "bad.wav").write_text("text")
    code, out, err = eitk(noise_project, "slice", "--json", "--jobs", "2")
    data = json.loads(out)
    assert code == 0
    assert data["rows"][2] == {
        "label": "rock", "split": "training", "windows": 12, "augmented": 0, "clips": 4, "groups": 4,
    }  # fmt: skip
    [skipped] = data["skipped"]
    assert skipped["clip"] == "rock/bad.wav"
    assert skipped["reason"].startswith(
        "not audio that can be read (Format not recognised). If it is sound, ffmpeg may "
    )
    assert "skipped rock/bad.wav: not audio" in err


def test_a_dry_run_writes_nothing(noise_project: Path) -> None:
    code, out, _ = eitk(noise_project, "slice", "--dry-run", "--json")
    assert code == 0
    assert json.loads(out)["dry_run"]
    assert set(json.loads(out)["rows"][0]) == {"label", "split", "clips", "groups", "seconds"}
    assert eitk(noise_project, "slice", "--dry-run")[1].split()[:4] == ["label", "split", "clips", "groups"]
    assert not (noise_project / ".eitk").exists()


def test_labels_with_brackets_are_shown(noise_project: Path) -> None:
    (noise_project / "clips" / "rock").rename(noise_project / "clips" / "[live]")
    (noise_project / "eitk.toml").write_text((noise_project / "eitk.toml").read_text() + "[project]\nlabels = []\n")
    assert "[live]" in eitk(noise_project, "slice", "--dry-run")[1]
    assert "[live] training" in eitk(noise_project, "dataset", "audit")[1]


def test_a_second_run_reports_that_nothing_changed(noise_project: Path) -> None:
    eitk(noise_project, "slice")
    code, _, err = eitk(noise_project, "slice")
    assert code == 0
    assert "nothing has changed" in err


def test_the_skipped_are_counted_beyond_the_first_ten(noise_project: Path) -> None:
    for number in range(13):
        (noise_project / "clips" / "rock" / f"bad{number}.wav").touch()
    assert "… and 3 more" in eitk(noise_project, "slice")[2]
    assert "more" not in eitk(noise_project, "slice", "--verbose")[2]


@pytest.mark.parametrize(("break_it", "code"), [("one label", 1), ("no folder", 3), ("no root", 3)])
def test_an_invalid_project_has_a_message_and_an_exit_code(noise_project: Path, break_it: str, code: int) -> None:
    if break_it == "one label":
        (noise_project / "clips" / "rock").rename(noise_project / "elsewhere")
    elif break_it == "no folder":
        (noise_project / "clips").rename(noise_project / "elsewhere")
    else:
        (noise_project / "eitk.toml").unlink()
    found, out, err = eitk(noise_project, "slice")
    assert found == code
    assert out == ""
    assert "error:" in err
    assert "try:" in err
    assert not (noise_project / ".eitk").exists()


def test_a_run_that_was_killed_is_completed_by_the_next(noise_project: Path) -> None:
    for number in range(5, 60):
        sound = 0.1 * np.random.default_rng(number).standard_normal(160_000)
        soundfile.write(noise_project / "clips" / "rock" / f"{number}.wav", sound, 8000)
    command = [sys.executable, "-c", "from ei_toolkit.cli.app import main; main()", "slice", "--jobs", "1"]
    windows = noise_project / ".eitk" / "windows"
    with subprocess.Popen(command, cwd=noise_project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        while not list(windows.glob("*.wav")):
            assert running.poll() is None
        running.kill()
    assert not (windows / "manifest.csv").exists()
    code, out, _ = eitk(noise_project, "slice", "--json", "--jobs", "1")
    assert code == 0
    kept = {path.name for path in windows.iterdir()} - {"manifest.csv", "slice.json"}
    assert kept == {window.file for window in Manifest.read(windows / "manifest.csv").windows}
    assert sum(row["windows"] for row in json.loads(out)["rows"]) == len(kept)
