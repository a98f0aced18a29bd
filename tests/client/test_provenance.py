"""Training provenance comes from the samples in the studio; a clip for training and testing is an error."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import support

from ei_toolkit.client import train
from ei_toolkit.client.project import Studio
from ei_toolkit.client.results import Evaluation
from ei_toolkit.client.samples import Sample, list_samples, move_sample
from ei_toolkit.client.train import provenance_of_samples, record_expected_provenance
from ei_toolkit.client.upload.plan import misplaced, removable, server_samples
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.recipes import write_recipe
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.dataset.provenance import TrainingProvenance, read_provenance
from ei_toolkit.errors import DataError
from ei_toolkit.studio import lifecycle as launch

Command = Callable[..., tuple[int, str, str]]


def sha(clip: str) -> str:
    return hashlib.sha256(clip.encode()).hexdigest()


def manifest_of(**splits: str) -> Manifest:
    """One window of each clip."""
    windows = [
        Window(f"{clip}.0.{sha(clip)[:12]}.wav", sha(clip), f"{clip}.wav", sha(clip), f"by {clip}", 0, "rock", split)  # type: ignore[arg-type]
        for clip, split in splits.items()
    ]
    return Manifest(tuple(windows))


def copy_of(clip: str, category: str = "training", name: str = "", number: int = 7) -> Sample:
    """An augmented copy of a clip as `eitk upload` leaves it in the studio."""
    metadata = (
        ("artist", f"by {clip}"),
        ("clip", f"{clip}.wav"),
        ("clip_sha256", sha(clip)),
        ("augmentation", "pink gain"),
    )
    return Sample(number, name or f"{clip}.0.{'ab' * 6}", category, "rock", 2000.0, metadata)


def test_clips_and_artists_are_those_of_the_training_samples_in_the_studio() -> None:
    manifest = manifest_of(a="training", b="training", c="testing")
    samples = [
        Sample(1, Path(manifest.windows[0].file).stem, "training", "rock", 2000.0),
        Sample(2, Path(manifest.windows[2].file).stem, "testing", "rock", 2000.0),
        copy_of("gone"),  # from a clip that the manifest no longer has; b was not uploaded
        Sample(4, "by hand", "training", "rock", 2000.0),
    ]
    assert provenance_of_samples(manifest, samples) == TrainingProvenance(
        frozenset({sha("a"), sha("gone")}), frozenset({"by a", "by gone"})
    )


def test_a_sample_in_another_split_than_its_clip_is_an_error() -> None:
    manifest = manifest_of(a="training", b="testing")
    assert misplaced(manifest, [copy_of("a"), copy_of("b", "testing"), copy_of("gone")]) == []
    for sample in (copy_of("b"), copy_of("a", "testing")):
        with pytest.raises(DataError, match=r"1 samples .* in another split") as caught:
            provenance_of_samples(manifest, [sample])
        assert caught.value.hint == "eitk upload"
        assert removable(manifest, [sample]) == [sample]


@pytest.mark.parametrize(
    "foreign", [copy_of("b", name="my own"), replace(copy_of("b"), metadata=(("clip_sha256", sha("b")),))]
)
def test_a_misplaced_sample_from_elsewhere_is_not_removed(foreign: Sample) -> None:
    manifest = manifest_of(a="training", b="testing")
    assert removable(manifest, [foreign]) == []
    with pytest.raises(DataError) as caught:
        provenance_of_samples(manifest, [foreign])
    assert caught.value.hint == "eitk upload, then eitk samples delete 7"


def test_clips_in_both_splits_and_windows_of_the_manifest_are_not_removed() -> None:
    manifest = manifest_of(a="training", b="testing")
    both = Manifest((*manifest.windows, replace(manifest.windows[1], file=f"b.1.{'0' * 12}.wav", split="training")))
    assert removable(both, [copy_of("b")]) == []
    own = copy_of("b", name=Path(manifest.windows[1].file).stem)  # eitk upload moves it
    assert removable(manifest, [own]) == []
    with pytest.raises(DataError) as caught:
        provenance_of_samples(manifest, [own])
    assert caught.value.hint == "eitk upload"


def test_until_a_training_succeeds_the_provenance_has_the_old_clips_as_well(tmp_path: Path) -> None:
    file = tmp_path / "provenance" / "local.1.1.json"
    first, second = (
        TrainingProvenance(frozenset("a"), frozenset("x")),
        TrainingProvenance(frozenset("b"), frozenset("y")),
    )
    record_expected_provenance(file, first)
    assert read_provenance(file) == first
    record_expected_provenance(file, second)
    assert read_provenance(file) == TrainingProvenance(frozenset("ab"), frozenset("xy"))


@pytest.mark.parametrize(("int8", "shown"), [(True, ["int8", "float32"]), (False, ["float32"])])
def test_only_the_variants_that_were_tested_are_reported(
    monkeypatch: pytest.MonkeyPatch, int8: bool, shown: list[str]
) -> None:
    kept = [Evaluation(name, (), (), (), 1.0, 1.0, None, None) for name in ("int8", "float32")]  # type: ignore[arg-type]
    monkeypatch.setattr(train, "start_test", lambda *_: None)
    monkeypatch.setattr(train, "tested_variants", lambda *_: tuple(kept))
    current: Any = SimpleNamespace(impulse_id=1, state=SimpleNamespace(learn=SimpleNamespace(profile_int8=int8)))
    found = train.run_test(None, current, lambda *_: None)  # type: ignore[arg-type,return-value]
    assert [evaluation.variant for evaluation in found] == shown


@pytest.fixture
def eitk(tmp_path: Path, local_studio: launch.LocalStudio, studio: Studio, make_manifest: Any) -> Command:
    """Runs a command line in a project of six clips of ten windows, one of them tested."""
    write_recipe("reference", tmp_path, clips=None, name=None, force=True)
    file = make_manifest(ProjectPaths(tmp_path).windows, 60)
    windows = Manifest.read(file).windows
    Manifest(tuple(replace(window, clip_sha256=sha(window.clip)) for window in windows)).write(file)
    environ = {
        "EITK_STUDIO_URL": local_studio.api_url,
        "EITK_STUDIO_INGESTION_URL": local_studio.ingestion_url,
        "EI_API_KEY": local_studio.key,
    }

    return partial(support.eitk, tmp_path, environ=environ)


def test_after_another_split_training_waits_until_augmented_copies_of_tested_clips_are_gone(
    eitk: Command, studio: Studio, tmp_path: Path
) -> None:
    assert eitk("upload")[0] == eitk("impulse", "apply")[0] == 0
    assert eitk("train", "--dry-run")[0] == 0
    file = ProjectPaths(tmp_path).manifest
    clip = Manifest.read(file).windows[0].clip
    kept = [w for w in Manifest.read(file).windows if not (w.clip == clip and w.augmentation)]
    stale = len(Manifest.read(file).windows) - len(kept)
    Manifest(tuple(replace(w, split="testing") if w.clip == clip else w for w in kept)).write(file)
    code, _, err = eitk("train", "--dry-run")
    assert code == 1
    assert "10 samples in the studio are in another split" in err
    assert "eitk upload" in err
    plan = json.loads(eitk("upload", "--dry-run", "--json")[1])
    assert (plan["would_remove"], plan["would_move"], plan["foreign"]) == (stale, 10 - stale, 0)
    code, out, err = eitk("upload", "--json")
    done = json.loads(out)
    assert (code, done["removed"], done["moved"], done["sent"]) == (0, stale, 10 - stale, 0)
    assert "warning" not in err
    assert {s.name for s in server_samples(studio)} == {Path(w.file).stem for w in kept}
    assert eitk("train", "--dry-run")[0] == 0


def test_a_sample_that_somebody_moved_is_not_trained_on(eitk: Command, studio: Studio) -> None:
    assert eitk("upload")[0] == eitk("impulse", "apply")[0] == 0
    move_sample(studio, next(list_samples(studio, "testing")).id, "training")
    assert eitk("train")[0] == 1
    assert eitk("upload")[0] == eitk("train", "--dry-run")[0] == 0
