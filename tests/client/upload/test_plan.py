"""The manifest and the studio compared, batches, and the metadata of samples."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.client.samples import BATCH_IDS, Sample
from ei_toolkit.client.upload.ingestion import BatchKey
from ei_toolkit.client.upload.ledger import Entry, Ledger, ledger_path, slug
from ei_toolkit.client.upload.plan import (
    annotate,
    batch_key,
    difference,
    group_into_batches,
    is_annotated,
    item_of,
    own_metadata,
    visible_samples,
)
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.dataset.window_store import WindowReader
from ei_toolkit.errors import ApiError

TRACED = ("b.30.0123.wav", "01" * 32, "rock/b.wav", "02" * 32, "b", 30, "rock", "training")
PLAIN, AUGMENTED = Window(*TRACED), Window(*TRACED, "pink12.5 gain-3.0")


def test_metadata_has_the_kinds_of_augmentation_without_their_values() -> None:
    assert own_metadata(PLAIN) == {"start_ms": "30"}
    assert own_metadata(AUGMENTED) == {"start_ms": "30", "augmentation": "pink gain"}


@pytest.mark.parametrize(
    ("window", "metadata", "annotated"),
    [
        (PLAIN, {"start_ms": "30"}, True),
        (PLAIN, {}, False),
        (AUGMENTED, {"start_ms": "30", "augmentation": "pink gain"}, True),
        (AUGMENTED, {"start_ms": "30", "recipe": "pink gain"}, True),  # uploaded by a version before 0.3
        (AUGMENTED, {"start_ms": "30", "augmentation": "white gain"}, False),
        (AUGMENTED, {"start_ms": "30"}, False),
    ],
)
def test_a_sample_is_annotated_with_the_present_or_the_old_keys(
    window: Window, metadata: dict[str, str], annotated: bool
) -> None:
    sample = Sample(7, "b.30.0123", "training", "rock", 600.0, tuple(metadata.items()))
    assert is_annotated(window, sample) is annotated


def window(name: str, clip: str = "a", **changes: Any) -> Window:
    digest = hashlib.sha256(name.encode()).hexdigest()
    made = Window(f"{name}.wav", digest, f"{clip}.wav", sha(clip), f"by {clip}", 0, "rock", "training")
    return replace(made, **changes)


def sha(clip: str) -> str:
    return hashlib.sha256(clip.encode()).hexdigest()


def sample(number: int, name: str, **changes: Any) -> Sample:
    return replace(Sample(number, name, "training", "rock", 20.0), **changes)


def test_windows_and_samples_are_compared_by_name() -> None:
    rows = [window("new"), window("there"), window("moved", split="testing"), window("renamed", label="jazz")]
    samples = [sample(1, "there"), sample(2, "moved"), sample(3, "renamed"), sample(4, "foreign")]
    found = difference(Manifest(tuple(rows)), samples)
    assert found.missing == (rows[0],)
    assert found.present == ((rows[1], samples[0]),)
    assert found.moved == ((rows[2], samples[1]), (rows[3], samples[2]))
    assert found.foreign == (samples[3],)


NAMES = st.sets(st.sampled_from("abcdefgh"), max_size=8)


@given(NAMES, NAMES)
def test_every_window_and_every_sample_is_in_one_part_of_the_difference(ours: set[str], theirs: set[str]) -> None:
    manifest = Manifest(tuple(window(name) for name in sorted(ours)))
    found = difference(manifest, [sample(n, name) for n, name in enumerate(sorted(theirs))])
    assert {row.file for row in found.missing} == {f"{name}.wav" for name in ours - theirs}
    assert {each.name for _, each in found.present} == ours & theirs
    assert {each.name for each in found.foreign} == theirs - ours
    assert found.moved == ()


def test_windows_of_a_clip_with_the_same_split_and_label_are_one_batch() -> None:
    rows = [window("1"), window("2"), window("3", "b"), window("4", label="jazz"), window("5", split="testing")]
    batches = group_into_batches(rows, {})
    assert [[row.file for row in batch] for batch in batches.values()] == [
        ["1.wav", "2.wav"], ["3.wav"], ["4.wav"], ["5.wav"],
    ]  # fmt: skip


def test_a_batch_states_what_is_known_about_its_clip() -> None:
    assert batch_key(window("1")) == BatchKey(
        "training", "rock", (("artist", "by a"), ("clip", "a.wav"), ("clip_sha256", sha("a")))
    )
    assert batch_key(window("1", group="", clip_sha256="")).metadata == (("clip", "a.wav"),)


def test_a_file_is_sent_from_the_folder_of_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "1.wav").write_bytes(b"1")
    item = item_of(window("1"), WindowReader(tmp_path))
    assert (item.name, item.read(), item.sha256) == ("1.wav", b"1", hashlib.sha256(b"1").hexdigest())


@pytest.mark.parametrize(
    ("augmentation", "kinds"),
    [("pink12.5 gain-3.0", "pink gain"), ("gain+20", "gain"), ("room0.25 rumble1-2", "room rumble"), ("", None),
     ("12.5", None)],
)  # fmt: skip
def test_kinds_of_augmentation_have_no_values(augmentation: str, kinds: str | None) -> None:
    assert own_metadata(window("1", augmentation=augmentation)).get("augmentation") == kinds


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.sqlite") as opened:
        yield opened


def annotations(script: Any) -> dict[tuple[str, str, str], list[int]]:
    """The ids of each (category, key, value) that was sent."""
    found: dict[tuple[str, str, str], list[int]] = {}
    for request in script.seen:
        key = (request.query["category"], request.json["metadataKey"], request.json["metadataValue"])
        found.setdefault(key, []).extend(json.loads(request.query["ids"]))
    return {key: sorted(ids) for key, ids in found.items()}


def test_samples_with_the_same_value_share_a_request(scripted_studio: Any, ledger: Ledger) -> None:
    scripted_studio.answers["/api/1/raw-data/batch/add-metadata"] = {}
    rows = [window("1"), window("2"), window("3", start_ms=500), window("4", split="testing", augmentation="gain-3")]
    ledger.record(Entry(row.sha256, row.file, "done", number) for number, row in enumerate(rows))
    assert annotate(scripted_studio.studio, Manifest(tuple(rows)), ledger) == 4
    assert annotations(scripted_studio) == {
        ("training", "start_ms", "0"): [0, 1],
        ("training", "start_ms", "500"): [2],
        ("testing", "start_ms", "0"): [3],
        ("testing", "augmentation", "gain"): [3],
    }
    assert annotate(scripted_studio.studio, Manifest(tuple(rows)), ledger) == 0


def test_many_samples_are_sent_in_requests_of_limited_length(scripted_studio: Any, ledger: Ledger) -> None:
    scripted_studio.answers["/api/1/raw-data/batch/add-metadata"] = {}
    rows = [window(str(number)) for number in range(BATCH_IDS + 1)]
    ledger.record(Entry(row.sha256, row.file, "done", number) for number, row in enumerate(rows))
    annotate(scripted_studio.studio, Manifest(tuple(rows)), ledger)
    assert sorted(len(json.loads(request.query["ids"])) for request in scripted_studio.seen) == [1, BATCH_IDS]
    assert annotations(scripted_studio)["training", "start_ms", "0"] == list(range(BATCH_IDS + 1))


def test_windows_that_failed_or_have_no_id_are_not_annotated(scripted_studio: Any, ledger: Ledger) -> None:
    rows = [window("failed"), window("no id"), window("never sent"), window("annotated")]
    ledger.record(
        [
            Entry(rows[0].sha256, rows[0].file, "failed", None, "bad"),
            Entry(rows[1].sha256, rows[1].file, "done", None),
            Entry(rows[3].sha256, rows[3].file, "done", 4, "", True),
        ]
    )
    assert annotate(scripted_studio.studio, Manifest(tuple(rows)), ledger) == 0
    assert scripted_studio.seen == []


def test_an_annotation_that_failed_is_repeated_by_the_next_upload(scripted_studio: Any, ledger: Ledger) -> None:
    scripted_studio.answers["/api/1/raw-data/batch/add-metadata"] = [{"success": False, "error": "no"}, {}]
    row = window("1")
    ledger.record([Entry(row.sha256, row.file, "done", 7)])
    with pytest.raises(ApiError, match="no"):
        annotate(scripted_studio.studio, Manifest((row,)), ledger)
    assert annotate(scripted_studio.studio, Manifest((row,)), ledger) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_may_not_read_samples_sees_none(scripted_studio: Any, status: int) -> None:
    scripted_studio.answers["/api/1/raw-data"] = (status, b"{}", {})
    assert visible_samples(scripted_studio.studio) is None


def test_an_error_of_the_studio_is_not_taken_for_an_empty_list(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1/raw-data"] = {"success": False, "error": "Project is locked"}
    with pytest.raises(ApiError, match="Project is locked"):
        visible_samples(scripted_studio.studio)


def test_the_ledger_of_a_studio_has_a_name_of_its_own(tmp_path: Path) -> None:
    names = {
        ledger_path(tmp_path / "manifest.csv", studio, project).name
        for studio, project in (("local", 1), ("local", 2), ("127.0.0.1:4800", 1), ("studio.edgeimpulse.com", 1))
    }
    assert names == {
        "uploads.local.1.sqlite", "uploads.local.2.sqlite", "uploads.127-0-0-1-4800.1.sqlite",
        "uploads.studio-edgeimpulse-com.1.sqlite",
    }  # fmt: skip


@given(st.text())
def test_the_name_of_any_studio_is_safe_in_a_file_name(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9]*(-[a-z0-9]+)*", slug(name))
