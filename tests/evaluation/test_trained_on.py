"""Training provenance is kept with a model: a later split of the same clips does not change it."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from support import eitk

from ei_toolkit.api.evaluating import pinned_model
from ei_toolkit.config import Config
from ei_toolkit.config.lockfile import Lock, write_lock
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.provenance import PROVENANCE_NAME, TrainingProvenance, read_provenance, write_provenance
from ei_toolkit.dataset.slicing import slice_clips
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.candidate import Candidate, challenger, labels_of_model, trained_on
from ei_toolkit.evaluation.challenge import _unseen_clips
from ei_toolkit.evaluation.held_out import HeldOut, check_outputs, held_out_clips
from ei_toolkit.evaluation.run_log import record_run

MODEL = b"\x1c\x00\x00\x00TFL3 a model"
SHA = sha256(MODEL).hexdigest()


@pytest.fixture
def lock(sliced: Config) -> Lock:
    """A pinned model of the project, whose training clips are not recorded anywhere."""
    folder = sliced.paths.builds / "1"
    folder.mkdir(parents=True)
    (folder / "model.tflite").write_bytes(MODEL)
    name = str((folder / "model.tflite").relative_to(sliced.paths.root))
    made = Lock(1, 1, "tflite-eon", "int8", "arduino", name, SHA, name, SHA, "now")
    write_lock(sliced.paths.lock, made)
    return made


def split_again(config: Config) -> Manifest:
    """Cut the windows again with other testing clips; some clips of the training are then tested."""
    before = TrainingProvenance.of_manifest(Manifest.read(config.paths.manifest))
    for seed in range(1, 20):
        settings = replace(config.settings, dataset=replace(config.settings.dataset, seed=seed))
        slice_clips(settings, config.paths.root, config.paths.windows, 1, lambda _done, _note: None)
        manifest = Manifest.read(config.paths.manifest)
        tested = {clip.sha256 for clip in held_out_clips(manifest)}
        if tested & before.clips and tested - before.clips:
            return manifest
    pytest.fail("no other split")


def pinned(config: Config) -> tuple[set[str], str]:
    """The held-out clips of `eitk evaluate --protocol test`, and what it warned of."""
    warnings: list[str] = []
    found = pinned_model(config, warnings.append)[2]
    return found, "\n".join(warnings)


def test_after_another_split_clips_that_the_model_was_trained_on_are_not_held_out(sliced: Config, lock: Lock) -> None:
    seen = TrainingProvenance.of_manifest(Manifest.read(sliced.paths.manifest))
    write_provenance(lock.model_path(sliced.paths.root).parent / PROVENANCE_NAME, seen)
    manifest = split_again(sliced)
    candidate = challenger(sliced, manifest)
    assert candidate.provenance == seen
    unseen = _unseen_clips(held_out_clips(manifest), candidate, None)
    assert unseen
    assert not {clip.sha256 for clip in unseen} & seen.clips
    assert pinned(sliced)[0] == {clip.name for clip in unseen}


def test_a_label_that_was_added_after_the_training_is_no_label_of_the_model(sliced: Config, lock: Lock) -> None:
    manifest = Manifest.read(sliced.paths.manifest)
    seen = TrainingProvenance.of_manifest(manifest)
    write_provenance(lock.model_path(sliced.paths.root).parent / PROVENANCE_NAME, seen)
    jazz = [
        replace(window, label="jazz", clip=f"jazz/{number}.wav", clip_sha256=f"new {number}")
        for number, window in enumerate(manifest.windows)
    ]
    wider = Manifest((*manifest.windows, *jazz))
    assert wider.labels == ("classical", "jazz", "rock")
    assert challenger(sliced, wider).labels == labels_of_model(wider, seen) == ("classical", "rock")


def test_without_any_of_its_training_clips_a_model_has_the_labels_of_the_windows(sliced: Config) -> None:
    gone = TrainingProvenance(frozenset({"deleted"}), frozenset())
    assert labels_of_model(Manifest.read(sliced.paths.manifest), gone) == ("classical", "rock")


def test_a_model_with_more_outputs_than_labels_is_not_tested() -> None:
    check_outputs(2, ("classical", "rock"))
    with pytest.raises(DataError, match="the model has 3 outputs, its training clips have 2 labels: classical, rock"):
        check_outputs(3, ("classical", "rock"))


@pytest.mark.parametrize("eon", [True, False], ids=["train --eon", "train, then build"])
def test_an_older_build_of_the_present_windows_is_still_judged(sliced: Config, lock: Lock, eon: bool) -> None:
    record_run(sliced, "train", {"deployment": {"model_sha256": SHA}} if eon else {})
    record_run(sliced, "build", {"model_sha256": SHA})
    manifest = Manifest.read(sliced.paths.manifest)
    assert trained_on(sliced, manifest, lock) == TrainingProvenance.of_manifest(manifest)
    assert pinned(sliced)[1] == ""
    manifest = split_again(sliced)
    for act in (lambda: challenger(sliced, manifest), lambda: pinned(sliced)):
        with pytest.raises(DataError, match="trained on other windows") as caught:
            act()
        assert "eitk train" in caught.value.hint


def test_a_model_without_provenance_is_not_promoted_and_evaluated_with_a_warning(sliced: Config, lock: Lock) -> None:
    done = eitk(sliced.paths.root, "gate")
    assert done.code == 1
    assert "are not known" in done.err
    held_out, printed = pinned(sliced)
    assert held_out == {clip.name for clip in held_out_clips(Manifest.read(sliced.paths.manifest))}
    assert "are not known" in printed


def test_a_damaged_record_is_reported(tmp_path: Path) -> None:
    for text in ("{", "[]", json.dumps({"clips": 3, "groups": []})):
        (tmp_path / PROVENANCE_NAME).write_text(text)
        with pytest.raises(DataError, match="damaged"):
            read_provenance(tmp_path / PROVENANCE_NAME)


def test_other_clips_of_an_artist_that_one_of_the_two_was_trained_on_do_not_count(sliced: Config) -> None:
    clips = tuple(HeldOut(f"rock/{a}{i}.wav", a, "rock", f"{a}{i}") for a in "ABC" for i in range(3))
    new = Candidate(b"", ("rock",), sliced.settings, TrainingProvenance(frozenset({"B0"}), frozenset("B")))
    old = Candidate(b"", ("rock",), sliced.settings, TrainingProvenance(frozenset({"A0", "A1"}), frozenset("A")))
    assert {clip.artist for clip in _unseen_clips(clips, new, old)} == {"C"}
    of_before = replace(old, provenance=TrainingProvenance(old.provenance.clips))
    assert {clip.sha256 for clip in _unseen_clips(clips, new, of_before)} == {"A2", "C0", "C1", "C2"}
    by_track = replace(sliced.settings, dataset=replace(sliced.settings.dataset, split="track"))
    assert len(_unseen_clips(clips, replace(new, settings=by_track), old)) == 6
    for trained, hint in (
        (replace(new, provenance=TrainingProvenance(frozenset(), frozenset("ABC"))), "train"),
        (new, "champion.json"),
    ):
        with pytest.raises(DataError) as caught:
            _unseen_clips(clips[:6], trained, old)
        assert hint in caught.value.hint
