"""The champion is one file that a later night can try again, or refuses to be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ei_toolkit.config import Config
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.candidate import Candidate, read_champion, write_champion

HEARD = TrainingProvenance(frozenset({"ab", "cd"}), frozenset({"an artist"}))


@pytest.fixture
def candidate(project: Callable[..., Config]) -> Candidate:
    return Candidate(b"TFL3 model", ("classical", "rock"), project(slice__level="dc").settings, HEARD)


def test_what_is_promoted_is_what_is_read(tmp_path: Path, candidate: Candidate) -> None:
    write_champion(tmp_path / "champion.json", candidate, {"figures": {"thresholded_accuracy": 0.9}})
    assert read_champion(tmp_path / "champion.json") == candidate
    assert [file.name for file in tmp_path.iterdir() if "champion" in file.name] == ["champion.json"]


def test_before_the_first_champion_there_is_none(tmp_path: Path) -> None:
    assert read_champion(tmp_path / "champion.json") is None


def test_a_champion_of_before_names_clips_alone(tmp_path: Path, candidate: Candidate) -> None:
    file = tmp_path / "champion.json"
    write_champion(file, candidate, {})
    kept = json.loads(file.read_text())
    del kept["trained_groups"]
    file.write_text(json.dumps(kept))
    assert read_champion(file) == replace(candidate, heard=TrainingProvenance(HEARD.clips))


@pytest.mark.parametrize("damage", [
    lambda text: text[:-40],
    lambda text: text.replace("VEZM", "VEZN"),  # one bit of the model
    lambda text: text.replace('"labels"', '"label"'),
    lambda text: text.replace('"level"', '"lever"'),
    lambda _: "[]",
])  # fmt: skip
def test_a_damaged_champion_is_said_to_be_damaged(
    tmp_path: Path, candidate: Candidate, damage: Callable[[str], str]
) -> None:
    file = tmp_path / "champion.json"
    write_champion(file, candidate, {})
    file.write_text(damage(file.read_text()))
    with pytest.raises(DataError, match=r"champion\.json is damaged"):
        read_champion(file)
