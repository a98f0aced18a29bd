"""The folder of recordings is a data set in the layout of an Edge Impulse export."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ei_toolkit.config import DatasetSettings
from ei_toolkit.dataset.recorded import RecordedFile, RecordingsFolder, metadata_of_files
from ei_toolkit.dataset.recordings import find_recordings
from ei_toolkit.errors import DataError

SAMPLES = np.arange(1600, dtype=np.int16)


def test_labels_categories_and_groups_are_read_back(tmp_path: Path) -> None:
    folder = RecordingsFolder(tmp_path)
    files = [
        RecordedFile(folder.free_name("rock", "rock-1.wav"), "rock", "testing", {"gain": "80"}),
        RecordedFile("größe/a.wav", "größe", "split", {"group": "cellar", "board": "nano33ble"}),
    ]
    for file in files:
        folder.add(file, SAMPLES, 16_000)
    found = {clip.name: clip for clip in find_recordings(tmp_path, DatasetSettings()).clips}
    assert files[0].name == "rock/rock-1-001.wav"
    assert (found[files[0].name].label, found[files[0].name].split) == ("rock", "testing")
    assert (found["größe/a.wav"].label, found["größe/a.wav"].split, found["größe/a.wav"].group) == (
        "größe", "training", "cellar",
    )  # fmt: skip
    assert folder.categories == {"testing", "training"}
    assert metadata_of_files(tmp_path)["größe/a.wav"] == {"group": "cellar", "board": "nano33ble"}


def test_a_later_run_continues_and_a_file_can_be_replaced(tmp_path: Path) -> None:
    RecordingsFolder(tmp_path).add(RecordedFile("rock/a-001.wav", "rock", "training"), SAMPLES, 16_000)
    folder = RecordingsFolder(tmp_path)
    assert folder.free_name("rock", "a.wav") == "rock/a-002.wav"
    folder.add(RecordedFile("rock/a-001.wav", "rock", "testing"), SAMPLES, 16_000)
    assert RecordingsFolder(tmp_path).names == ["rock/a-001.wav"]
    (tmp_path / "rock/a-001.wav").unlink()
    assert RecordingsFolder(tmp_path).names == []


def test_an_info_labels_that_is_none_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "info.labels").write_text("[1]")
    with pytest.raises(DataError, match=r"info\.labels is not a list of recordings"):
        RecordingsFolder(tmp_path)
    assert metadata_of_files(tmp_path) == {}


@pytest.mark.parametrize("value", [None, [], "text", {"clip_sha256": "0", "a": {}, "b": [1]}])
def test_metadata_in_another_form_is_left_out(tmp_path: Path, value: object) -> None:
    (tmp_path / "info.labels").write_text(json.dumps({"files": [{"path": "a.wav", "metadata": value}, 1, {}]}))
    assert metadata_of_files(tmp_path) == {"a.wav": {}}
