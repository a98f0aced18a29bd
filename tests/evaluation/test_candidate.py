"""The file of the champion: a later nightly run can test the model in it again, and damage is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

import pytest

from ei_toolkit.config import Config, ProjectPaths
from ei_toolkit.config.lockfile import Lock, read_lock, write_lock
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.candidate import Candidate, pin_champion, read_champion, write_champion

PROVENANCE = TrainingProvenance(frozenset({"ab", "cd"}), frozenset({"an artist"}))


@pytest.fixture
def candidate(project: Callable[..., Config]) -> Candidate:
    return Candidate(b"TFL3 model", ("classical", "rock"), project(slice__level="dc").settings, PROVENANCE)


def test_what_is_promoted_is_what_is_read(tmp_path: Path, candidate: Candidate) -> None:
    write_champion(tmp_path / "champion.json", candidate, {"figures": {"thresholded_accuracy": 0.9}})
    assert read_champion(tmp_path / "champion.json") == candidate
    assert [file.name for file in tmp_path.iterdir() if "champion" in file.name] == ["champion.json"]


def test_before_the_first_champion_there_is_none(tmp_path: Path) -> None:
    assert read_champion(tmp_path / "champion.json") is None


def test_an_old_champion_has_clips_and_no_groups(tmp_path: Path, candidate: Candidate) -> None:
    file = tmp_path / "champion.json"
    write_champion(file, candidate, {})
    stored = json.loads(file.read_text())
    del stored["trained_groups"]
    file.write_text(json.dumps(stored))
    assert read_champion(file) == replace(candidate, provenance=TrainingProvenance(PROVENANCE.clips))


def test_the_key_of_older_versions_in_the_figures_is_ignored(tmp_path: Path, candidate: Candidate) -> None:
    write_champion(tmp_path / "champion.json", candidate, {"figures": {"decided": 0.9}})  # old name
    assert read_champion(tmp_path / "champion.json") == candidate


@pytest.mark.parametrize("damage", [
    lambda text: text[:-40],
    lambda text: text.replace("VEZM", "VEZN"),  # one bit of the model
    lambda text: text.replace('"labels"', '"label"'),
    lambda text: text.replace('"level"', '"lever"'),
    lambda _: "[]",
])  # fmt: skip
def test_damage_of_a_champion_is_reported(tmp_path: Path, candidate: Candidate, damage: Callable[[str], str]) -> None:
    file = tmp_path / "champion.json"
    write_champion(file, candidate, {})
    file.write_text(damage(file.read_text()))
    with pytest.raises(DataError, match=r"champion\.json is damaged"):
        read_champion(file)


def lock_for(folder: Path, name: str, model: bytes) -> Lock:
    """The lock of a build whose two files are written into `folder`."""
    (folder / f"{name}.zip").write_bytes(b"zip of " + model)
    (folder / f"{name}.tflite").write_bytes(model)
    digests = [sha256(content).hexdigest() for content in (b"zip of " + model, model)]
    return Lock(1, 1, "tflite-eon", "int8", "arduino", f"{name}.zip", digests[0], f"{name}.tflite", digests[1], "now")


def test_the_lock_names_the_champion_again(tmp_path: Path, candidate: Candidate) -> None:
    paths = ProjectPaths(tmp_path)
    champion = lock_for(tmp_path, "champion", candidate.model)
    write_champion(tmp_path / "champion.json", candidate, {"lock": asdict(champion)})
    write_lock(paths.lock, lock_for(tmp_path, "refused", b"TFL3 other"))
    assert pin_champion(paths)
    assert read_lock(paths.lock) == champion


@pytest.mark.parametrize("lost", ["champion.zip", "champion.tflite", "champion.json", "lock"])
def test_the_lock_stays_where_the_build_of_the_champion_is_not_known(
    tmp_path: Path, candidate: Candidate, lost: str
) -> None:
    paths = ProjectPaths(tmp_path)
    champion = lock_for(tmp_path, "champion", candidate.model)
    write_champion(tmp_path / "champion.json", candidate, {} if lost == "lock" else {"lock": asdict(champion)})
    write_lock(paths.lock, refused := lock_for(tmp_path, "refused", b"TFL3 other"))
    (tmp_path / lost).unlink(missing_ok=True)
    assert not pin_champion(paths)
    assert read_lock(paths.lock) == refused
