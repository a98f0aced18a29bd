"""The file of the champion: a later nightly run can test the model in it again, and damage is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

import pytest

from ei_toolkit.config import Config, ProjectPaths
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.lockfile import Lock, read_lock, write_lock
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.errors import DataError, MissingStepError, UsageError
from ei_toolkit.evaluation.candidate import Candidate
from ei_toolkit.evaluation.champions import (
    champion_file,
    list_champions,
    pin_champion,
    promote,
    read_champion,
    roll_back,
    write_champion,
)

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
    assert pin_champion(paths, champion_file(paths))
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
    assert not pin_champion(paths, champion_file(paths))
    assert read_lock(paths.lock) == refused


def models_of(paths: ProjectPaths) -> list[tuple[bytes, bool]]:
    """The models of the champions, oldest first, and whether each is the champion."""
    present = read_champion(champion_file(paths))
    by_hash = {sha256(model).hexdigest(): model for model in MODELS}
    assert present
    return [(by_hash[one.model_sha256], one.is_champion) for one in list_champions(paths)]


MODELS = (b"TFL3 first", b"TFL3 second", b"TFL3 third")
FIRST, SECOND, THIRD = MODELS


@pytest.fixture
def three(tmp_path: Path, candidate: Candidate) -> ProjectPaths:
    """A project with three champions, one after another, and the builds of all of them; eitk.lock names the third."""
    paths = ProjectPaths(tmp_path)
    for number, model in enumerate(MODELS):
        lock = lock_for(tmp_path, f"build{number}", model)
        figures = {
            "lock": asdict(lock),
            "figures": {"thresholded_accuracy": 0.9},
            "promoted": f"2026-11-2{number}T10:00:00",
        }
        promote(paths, replace(candidate, model=model), figures)
        write_lock(paths.lock, lock)
    return paths


def test_every_champion_is_kept(three: ProjectPaths) -> None:
    assert models_of(three) == [(FIRST, False), (SECOND, False), (THIRD, True)]
    assert [one.accuracy for one in list_champions(three)] == [0.9] * 3
    assert list_champions(three)[0].name == f"20261120T100000-{sha256(FIRST).hexdigest()[:12]}"


def test_a_rollback_restores_the_champion_before_with_its_build_and_keeps_the_present_one(three: ProjectPaths) -> None:
    before = json.loads((three.root / "champions" / f"{list_champions(three)[1].name}.json").read_text())
    done = roll_back(three)
    assert (done.given_up.promoted, done.restored.promoted) == ("2026-11-22T10:00:00", "2026-11-21T10:00:00")
    assert json.loads(champion_file(three).read_text()) == before
    assert models_of(three) == [(FIRST, False), (SECOND, True), (THIRD, False)]
    lock = read_lock(three.lock)
    assert done.is_pinned and lock and lock.model_sha256 == sha256(SECOND).hexdigest()


def test_a_second_rollback_goes_one_further_and_a_third_has_nowhere_to_go(three: ProjectPaths) -> None:
    roll_back(three)
    roll_back(three)
    assert models_of(three) == [(FIRST, True), (SECOND, False), (THIRD, False)]
    with pytest.raises(MissingStepError, match="no champion before"):
        roll_back(three)


def test_a_champion_that_was_given_up_is_not_the_way_back_from_its_successor(
    three: ProjectPaths, candidate: Candidate
) -> None:
    roll_back(three)  # from the third to the second
    promote(three, replace(candidate, model=b"TFL3 fourth"), {"promoted": "2026-11-24T10:00:00"})
    assert roll_back(three).restored.model_sha256 == sha256(SECOND).hexdigest()


def test_a_named_champion_is_restored_also_forwards(three: ProjectPaths) -> None:
    names = [one.name for one in list_champions(three)]
    roll_back(three, names[0])
    assert models_of(three)[0] == (FIRST, True)
    roll_back(three, names[2])
    assert models_of(three) == [(FIRST, False), (SECOND, False), (THIRD, True)]


@pytest.mark.parametrize("name", ["../../etc/passwd", "20261120T100000-000000000000", ""])
def test_a_name_that_is_not_there_changes_nothing(three: ProjectPaths, name: str) -> None:
    with pytest.raises(UsageError, match="--to"):
        roll_back(three, name)
    assert models_of(three)[2] == (THIRD, True)


def test_the_present_champion_cannot_be_restored(three: ProjectPaths) -> None:
    with pytest.raises(UsageError, match="is the present champion"):
        roll_back(three, list_champions(three)[2].name)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_dry_run_names_the_same_and_changes_no_file(three: ProjectPaths) -> None:
    before = everything(three.root)
    announced = roll_back(three, dry_run=True)
    assert everything(three.root) == before
    assert roll_back(three) == announced


@pytest.mark.parametrize("step", range(3))
def test_an_interrupted_rollback_is_completed_by_the_same_call(
    three: ProjectPaths, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """It is killed before the copy, before eitk.lock or before champion.json is written."""
    calls = iter(range(3))

    def killed(file: Path, text: str) -> None:
        if next(calls) == step:
            raise KeyboardInterrupt
        real(file, text)

    real = write_text
    with monkeypatch.context() as patched:
        patched.setattr("ei_toolkit.evaluation.champions.write_text", killed)
        patched.setattr("ei_toolkit.config.lockfile.write_text", killed)
        with pytest.raises(KeyboardInterrupt):
            roll_back(three)
    assert read_champion(champion_file(three))  # whole, the old one
    roll_back(three)
    lock = read_lock(three.lock)
    assert models_of(three) == [(FIRST, False), (SECOND, True), (THIRD, False)]
    assert lock and lock.model_sha256 == sha256(SECOND).hexdigest()


def test_without_its_build_the_champion_is_restored_and_the_lock_stays(three: ProjectPaths) -> None:
    (three.root / "build1.zip").unlink()
    assert not roll_back(three).is_pinned
    lock = read_lock(three.lock)
    assert models_of(three)[1] == (SECOND, True)
    assert lock and lock.model_sha256 == sha256(THIRD).hexdigest()


def test_a_damaged_copy_is_reported_and_the_champion_stays(three: ProjectPaths) -> None:
    file = three.root / "champions" / f"{list_champions(three)[1].name}.json"
    file.write_text(file.read_text()[:-40])
    with pytest.raises(DataError, match="is damaged"):
        roll_back(three)
    champion = read_champion(champion_file(three))
    assert champion and champion.model == THIRD


def test_before_the_first_champion_there_is_nothing_to_roll_back(tmp_path: Path) -> None:
    with pytest.raises(MissingStepError, match="there is no champion yet"):
        roll_back(ProjectPaths(tmp_path))
