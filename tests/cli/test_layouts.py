"""Data sets as they are published: what `eitk init` shows and writes, and what `eitk slice` makes of them."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections import Counter
from pathlib import Path

import cbor2
import numpy as np
import pytest
import soundfile
from published_layouts import (
    LAYOUTS,
    RATE,
    Make,
    Shown,
    edge_impulse_export,
    free_spoken_digits,
    labels_in_names,
    one_folder_a_label,
    write_sounds,
)
from support import Outcome, eitk

from ei_toolkit.config import load_config
from ei_toolkit.dataset.manifest import Manifest, Window

NAMES = re.compile(r"^  (\S+)\s+(\S+)\s+(\d+)\s+([\d.]+)\s+(\d+)$", re.MULTILINE)


def shown(outcome: Outcome) -> Shown:
    """The rows of the table that was shown: label, split, files, seconds, groups."""
    rows = NAMES.findall(outcome.err)
    return {(label, split, int(files), seconds, int(groups)) for label, split, files, seconds, groups in rows}


def windows(project: Path) -> tuple[Window, ...]:
    return Manifest.read(project / ".eitk" / "windows" / "manifest.csv").windows


@pytest.mark.parametrize("make", LAYOUTS, ids=lambda make: make.__name__)
def test_a_layout_is_shown_written_and_cut_without_further_options(tmp_path: Path, make: Make) -> None:
    make(tmp_path / "clips")
    initialised = eitk(tmp_path, "init", "--clips", "clips")
    assert initialised.code == 0, initialised.err
    expected = LAYOUTS[make]
    assert {row[0] for row in shown(initialised)} == {row[0] for row in expected}
    assert sum(row[2] for row in shown(initialised)) == sum(row[2] for row in expected)
    settings = load_config(tmp_path, {}).settings
    assert settings.slice.window_ms == 1000
    assert "auto" not in (settings.dataset.labels_from, settings.dataset.split_from, settings.dataset.group_from)

    sliced = eitk(tmp_path, "slice", "--jobs", "1")
    assert sliced.code == 0, sliced.err
    assert shown(sliced) == expected
    cut = Counter((window.label, window.split) for window in windows(tmp_path) if not window.augmentation)
    assert cut == {(label, split): files for label, split, files, *_ in expected}
    assert "warning:" not in sliced.err


def test_a_zip_of_an_export_is_cut_like_its_folder(tmp_path: Path) -> None:
    edge_impulse_export(tmp_path / "data")
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for file in (tmp_path / "data").rglob("*.*"):
            archive.write(file, file.relative_to(tmp_path / "data"))
    assert eitk(tmp_path, "init", "--clips", "export.zip").code == 0
    assert load_config(tmp_path, {}).settings.dataset.root == "export.zip"
    outcome = eitk(tmp_path, "slice", "--json", "--jobs", "1")
    assert outcome.code == 0
    assert shown(outcome) == LAYOUTS[edge_impulse_export]
    assert outcome.data["layout"]["labels_from"] == {"source": "json", "words": "column label of info.labels"}


def test_an_export_of_acquisition_files_in_nested_folders(tmp_path: Path) -> None:
    root, entries = tmp_path / "export", []
    for number in range(8):
        split, label = "training" if number < 4 else "testing", "cough" if number % 2 else "laugh"
        file = root / "data" / split / f"{label}.{number}.{'json' if number % 3 else 'cbor'}"
        file.parent.mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(number).integers(-3000, 3000, RATE).tolist()
        sensors = [{"name": "audio", "units": "wav"}]
        document = {"payload": {"interval_ms": 1000 / RATE, "sensors": sensors, "values": values}}
        file.write_bytes(json.dumps(document).encode() if file.suffix == ".json" else cbor2.dumps(document))
        path = file.relative_to(root / "data").as_posix()
        entries.append({"path": path, "category": split, "label": {"type": "label", "label": label}})
    (root / "data" / "info.labels").write_text(json.dumps({"version": 1, "files": entries}))
    (root / "data" / "package.json").write_text("{}")
    assert eitk(tmp_path, "init", "--clips", "export").code == 0
    outcome = eitk(tmp_path, "slice", "--json", "--jobs", "1")
    assert outcome.code == 0, outcome.err
    assert {row[:3] for row in shown(outcome)} == {(label, split, 2) for label in ("cough", "laugh")
                                                   for split in ("training", "testing")}  # fmt: skip
    assert outcome.data["counts"]["converted"] == 8
    assert [one["name"] for one in outcome.data["layout"]["left_out"]] == ["data/package.json"]


@pytest.mark.parametrize("name", ["../outside.wav", "/etc/outside.wav", "C:\\outside.wav"])
def test_a_zip_with_a_name_outside_of_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(name, b"sound")
    outcome = eitk(tmp_path, "init", "--clips", "bad.zip")
    assert outcome.code == 1
    assert "bad.zip is not safe to unpack" in outcome.err
    assert not (tmp_path / "eitk.toml").exists()
    assert not list(tmp_path.rglob("outside.wav"))


def test_the_options_override_what_is_detected_and_are_kept(tmp_path: Path) -> None:
    write_sounds(tmp_path / "clips", [f"{split}/{label}_{i}.wav" for split in ("train", "test")
                                      for label in ("cough", "laugh") for i in range(3)])  # fmt: skip
    options = ("--labels-from", "folder", "--split-from", "none", "--group-from", "name", "--group-pattern", r"_(\d)")
    outcome = eitk(tmp_path, "init", "--clips", "clips", *options)
    assert shown(outcome) == {("test", "–", 6, "6.0", 3), ("train", "–", 6, "6.0", 3)}
    dataset = load_config(tmp_path, {}).settings.dataset
    assert (dataset.labels_from, dataset.split_from, dataset.group_from) == ("folder", "none", "name")
    assert dataset.group_pattern == r"_(\d)"
    again = eitk(tmp_path, "slice", "--dry-run", "--json").data["layout"]
    assert {row["label"] for row in again["rows"]} == {"test", "train"}


def test_slice_takes_the_same_options_for_one_run(tmp_path: Path) -> None:
    labels_in_names(tmp_path / "clips")
    (tmp_path / "eitk.toml").write_text('[dataset]\nroot = "clips"\n[slice]\nwindow_ms = 1000\nsample_rate = 8000\n')
    pattern = ("--group-pattern", r"\.(\d)\.")
    groups = eitk(tmp_path, "slice", "--dry-run", "--json", *pattern).data["layout"]["group_from"]
    assert groups == {"source": "name", "words": r"names of the files, \.(\d)\."}
    assert eitk(tmp_path, "slice", "--dry-run", "--labels-from", "json").code == 1


def test_a_pattern_without_clips_is_a_mistake(tmp_path: Path) -> None:
    outcome = eitk(tmp_path, "init", "--labels-from", "name")
    assert (outcome.code, outcome.out) == (2, "")
    assert "--clips FOLDER" in outcome.err


def test_a_dry_run_of_init_shows_the_settings_and_writes_nothing(tmp_path: Path) -> None:
    free_spoken_digits(tmp_path / "clips")
    outcome = eitk(tmp_path, "init", "--clips", "clips", "--dry-run")
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        "dataset.labels_from = 'name'  names of the files, label, speaker and number in the name",
        "dataset.split_from = 'none'",
        "dataset.group_from = 'name'  the speaker in the names of the files",
        "slice.window_ms = 1000  the clips last 1.00 s (median)",
        "slice.hop_ms = 500",
        "nothing is written (--dry-run)",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["clips"]
    data = eitk(tmp_path, "init", "--clips", "clips", "--dry-run", "--json").data
    assert data["dry_run"] and data["settings"]["dataset.group_from"] == "name"


def test_the_windows_of_longer_clips_stay_those_of_the_recipe(tmp_path: Path) -> None:
    write_sounds(tmp_path / "clips", ["a/1.wav", "a/2.wav", "b/1.wav", "b/2.wav"], 4)
    eitk(tmp_path, "init", "--clips", "clips")
    cut = load_config(tmp_path, {}).settings.slice
    assert (cut.window_ms, cut.hop_ms, cut.short) == (3000, 1500, "skip")


def test_a_window_for_short_clips_has_its_reason_as_a_comment(tmp_path: Path) -> None:
    write_sounds(tmp_path / "clips", ["a/1.wav", "a/2.wav", "b/1.wav", "b/2.wav"], 1.26)
    write_sounds(tmp_path / "clips", ["b/short.wav"], 0.5)
    outcome = eitk(tmp_path, "init", "--clips", "clips", "--json")
    text = (tmp_path / "eitk.toml").read_text()
    assert "window_ms = 1200   # the clips last 1.26 s (median)\n" in text
    assert 'short = "pad"   # clips shorter than a window get silence at their end\n' in text
    assert outcome.data["settings"]["slice.hop_ms"] == 600


def test_short_clips_are_padded_and_counted(tmp_path: Path) -> None:
    one_folder_a_label(tmp_path / "clips")
    write_sounds(tmp_path / "clips", ["cough/short.wav"], 0.25)
    eitk(tmp_path, "init", "--clips", "clips")
    outcome = eitk(tmp_path, "slice", "--json", "--jobs", "1")
    assert outcome.data["counts"] == {"read": 11, "converted": 11, "padded": 1, "warned": 0, "skipped": 0}
    assert "11 clips read: 11 cut into windows, 1 padded, 0 with warnings, 0 skipped" in outcome.err
    short = next(window for window in windows(tmp_path) if window.clip == "cough/short.wav")
    sound, rate = soundfile.read(tmp_path / ".eitk" / "windows" / short.file)
    assert len(sound) == rate
    assert np.abs(sound[: rate // 4]).max() > 0 and np.ptp(sound[rate // 4 + 100 :]) < 1e-3
    assert eitk(tmp_path, "slice", "--json").data["counts"] == outcome.data["counts"]  # of the last run


def test_the_project_has_the_name_of_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "cough-detector"
    folder.mkdir()
    eitk(folder, "init")
    assert load_config(folder, {}).settings.project.name == "cough-detector"
    eitk(folder, "init", "--force", "--name", "Mine")
    assert load_config(folder, {}).settings.project.name == "Mine"
    eitk(folder, "init", "--force", "--recipe", "reference")
    assert load_config(folder, {}).settings.project.name == "Music Genre Classifier"


def test_a_report_lists_skipped_and_warned_clips(tmp_path: Path) -> None:
    one_folder_a_label(tmp_path / "clips")
    (tmp_path / "clips" / "cough" / "page, saved.wav").write_text("<html></html>")
    sound, _ = soundfile.read(tmp_path / "clips" / "cough" / "1.wav")
    soundfile.write(tmp_path / "clips" / "laugh" / "loud.wav", np.clip(50 * sound, -1, 1), RATE)
    eitk(tmp_path, "init", "--clips", "clips")
    assert eitk(tmp_path, "slice", "--report", "skipped.csv", "--jobs", "1").code == 0
    with (tmp_path / "skipped.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["path"], row["outcome"]) for row in rows] == [
        ("cough/page, saved.wav", "skipped"),
        ("laugh/loud.wav", "warned"),
    ]
    assert "HTML" in rows[0]["reason"] and "clipped" in rows[1]["reason"]


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    one_folder_a_label(tmp_path / "clips")
    eitk(tmp_path, "init", "--clips", "clips")
    outcome = eitk(tmp_path, "slice", "--dry-run", "--report", "clips")
    assert outcome.code == 2 and "clips is a folder" in outcome.err
