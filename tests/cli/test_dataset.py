from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support import eitk

from ei_toolkit.dataset.synthesis import write_demo_clips


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder with a track without a published hash, a modified one and a damaged one."""
    sound = 0.1 * np.random.default_rng(0).standard_normal(22_050)
    for name in ("metal.00061.wav", "metal.00000.flac"):
        (tmp_path / "mine" / "metal").mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "mine" / "metal" / name, sound, 22_050)
    (tmp_path / "mine" / "metal" / "metal.00001.wav").write_bytes(b"RIFF")
    return tmp_path / "mine"


def test_synth_writes_clips_and_groups(tmp_path: Path) -> None:
    code, out, _ = eitk(tmp_path, "dataset", "synth", "demo", "--clips", "8", "--json")
    assert code == 0
    assert json.loads(out) == {"folder": str(tmp_path / "demo"), "clips": 16, "synthetic": True}
    assert (tmp_path / "demo" / "groups.csv").is_file()


def test_fetch_from_a_folder_names_modified_tracks(mine: Path) -> None:
    code, out, err = eitk(mine.parent, "dataset", "fetch", "gtzan", "--from", "mine", "--genre", "metal", "--json")
    data = json.loads(out)
    assert code == 0
    assert data["counts"] == {"missing": 98, "unverified": 1, "modified": 1}
    assert data["written"] == 2
    assert "metal.00000 is modified" in err
    assert (mine.parent / "gtzan" / "metal" / "metal.00000.wav").is_file()


def test_fetch_dry_run_writes_nothing(mine: Path) -> None:
    code, out, _ = eitk(
        mine.parent, "dataset", "fetch", "gtzan", "--from", "mine", "--genre", "metal", "--dry-run", "--json"
    )
    assert code == 0
    assert json.loads(out)["counts"] == {"missing": 100}
    assert not (mine.parent / "gtzan").exists()


def test_fetch_from_a_missing_archive_is_an_error(tmp_path: Path) -> None:
    code, _, err = eitk(tmp_path, "dataset", "fetch", "gtzan", "--from", "gone.zip")
    assert code == 1
    assert "gone.zip does not exist" in err


def test_verify_has_exit_code_1_where_a_track_is_damaged(mine: Path) -> None:
    code, out, err = eitk(mine.parent, "dataset", "verify", "mine")
    assert code == 1
    assert "missing" in out
    assert "metal.00001 is corrupt" in err
    assert "2 tracks" in err


def test_verify_without_a_folder_names_the_setting(tmp_path: Path) -> None:
    code, _, err = eitk(tmp_path, "dataset", "verify")
    assert code == 3
    assert "dataset.root is not set" in err


@pytest.mark.gtzan
def test_verify_of_real_clips(gtzan: Path) -> None:
    code, out, _ = eitk(gtzan, "dataset", "verify", "audio", "--genre", "pop", "--json")
    assert code == 0
    assert json.loads(out)["counts"] == {"missing": 95, "same sound": 5}


@pytest.fixture
def demo_project(tmp_path: Path) -> Path:
    write_demo_clips(tmp_path / "clips", clips_per_genre=8, seconds=3)
    (tmp_path / "eitk.toml").write_text('[dataset]\nroot = "clips"\n')
    return tmp_path


def test_audit_warns_of_a_split_that_leaks(demo_project: Path) -> None:
    code, out, err = eitk(demo_project, "dataset", "audit", "--split", "track", "--jobs", "1", "--json")
    assert code == 0
    assert json.loads(out)["leaks"] is True
    assert "overestimate" in err
    code, out, err = eitk(demo_project, "dataset", "audit", "--jobs", "1")
    assert "groups in both splits: none" in out
    assert "overestimate" not in err


def test_card_is_markdown_or_json(demo_project: Path) -> None:
    assert eitk(demo_project, "dataset", "card")[1].startswith("# Data of Music Genre Classifier\n")
    assert json.loads(eitk(demo_project, "dataset", "card", "--json")[1])["card"].startswith("# Data of")
