"""`eitk init`: every folder of clips is a label; an invalid folder is rejected before any file is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import eitk

from ei_toolkit.config import load_config


def clips(folder: Path, *labels: str) -> Path:
    for label in labels:
        (folder / label).mkdir(parents=True)
        (folder / label / "1.wav").touch()
    return folder


@pytest.mark.parametrize("recipe", ["robust", "reference"])
def test_every_folder_of_clips_is_a_label(tmp_path: Path, recipe: str) -> None:
    (clips(tmp_path / "clips", "rock", "classical", "jazz") / "no clips").mkdir()
    code, out, _ = eitk(tmp_path, "init", "--clips", str(tmp_path / "clips"), "--recipe", recipe)
    assert code == 0
    assert load_config(tmp_path, {}).settings.project.labels == ("classical", "jazz", "rock")
    assert "labels: classical, jazz, rock" in out


@pytest.mark.parametrize(("labels", "given"), [((), ""), (("rock",), ""), (("rock", "jazz"), "rock")])
def test_a_folder_without_two_labels_is_rejected(tmp_path: Path, labels: tuple[str, ...], given: str) -> None:
    (tmp_path / "clips").mkdir()
    code, out, err = eitk(tmp_path, "init", "--clips", str(clips(tmp_path / "clips", *labels) / given))
    assert (code, out) == (1, "")
    assert "try:" in err and "ROOT/rock/*.wav" in err
    assert not (tmp_path / "eitk.toml").exists() and not (tmp_path / "robust.py").exists()


def test_for_the_folder_of_one_label_the_hint_names_its_parent(tmp_path: Path) -> None:
    _, _, err = eitk(clips(tmp_path, "rock", "jazz"), "init", "--clips", "rock")
    assert f"Give the folder above, if it has one folder for each label: {tmp_path}." in err


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    code, _, err = eitk(tmp_path, "init", "--clips", "nowhere")
    assert code == 2 and "no folder" in err and "try:" in err


def test_clips_are_relative_to_the_project_folder(tmp_path: Path) -> None:
    clips(tmp_path / "project" / "clips", "a", "b")
    code, out, _ = eitk(tmp_path, "-C", str(tmp_path / "project"), "init", "--clips", "clips", "--json")
    assert (code, json.loads(out)["labels"]) == (0, ["a", "b"])
    assert load_config(tmp_path / "project", {}).settings.dataset.root == "clips"


def test_a_changed_script_is_kept_and_named(tmp_path: Path) -> None:
    (tmp_path / "robust.py").write_text("# mine\n")
    assert eitk(tmp_path, "init")[0] == 3
    code, _, err = eitk(tmp_path, "init", "--force")
    assert code == 0 and "kept as robust.py.bak" in err
    assert (tmp_path / "robust.py.bak").read_text() == "# mine\n"


def test_the_groups_of_a_list_and_of_gtzan_are_counted(tmp_path: Path) -> None:
    names = ("rock.00010", "rock.00011", "rock.00012", "mine")
    for name in names:
        (tmp_path / "clips" / "rock").mkdir(parents=True, exist_ok=True)
        (tmp_path / "clips" / "rock" / f"{name}.wav").touch()
    clips(tmp_path / "clips", "jazz")
    (tmp_path / "clips" / "groups.csv").write_text("clip,group\nmine,ani-difranco\n")
    rows = json.loads(eitk(tmp_path, "init", "--clips", "clips", "--json")[1])["layout"]["rows"]
    assert [(row["label"], row["files"], row["groups"]) for row in rows] == [("jazz", 1, 1), ("rock", 4, 1)]
