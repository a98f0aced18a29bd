from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.dataset.edge_impulse_export import read_export
from ei_toolkit.dataset.listing import Listing
from ei_toolkit.dataset.metadata_tables import Described
from ei_toolkit.errors import DataError

RANGE = {"startIndex": 0, "endIndex": 7999}


def described(entry: dict[str, Any], file: str = "info.labels") -> Described:
    content = json.dumps({"version": 1, "files": [{"path": "a.wav", **entry}]}).encode()
    found = read_export(Listing(("a.wav",) if "/" not in file else ("export/a.wav",), {file: content}))
    assert found is not None
    (one,) = found.sounds.values()
    return one


@pytest.mark.parametrize(
    ("label", "expected", "reason"),
    [
        ({"type": "label", "label": "rock"}, "rock", ""),
        ("rock", "rock", ""),
        ({"type": "multi-label", "labels": [{**RANGE, "label": "rock"}, {**RANGE, "label": "rock"}]}, "rock", ""),
        ({"type": "multi-label", "labels": [{**RANGE, "label": "rock"}, {**RANGE, "label": "jazz"}]}, "",
         "several labels in one file"),
        ({"type": "unlabeled"}, "", "no label"),
        (None, "", "no label"),
        ("  ", "", "no label"),
        (7, "", "no label"),
        ({"type": "label", "label": ["rock"]}, "", "no label"),
        ({"type": "multi-label", "labels": None}, "", "no label"),
    ],
)  # fmt: skip
def test_every_form_of_a_label(label: Any, expected: str, reason: str) -> None:
    one = described({"category": "training", "label": label})
    assert (one.label, one.reason) == (expected, reason)


@pytest.mark.parametrize(
    ("category", "split"),
    [("training", "training"), ("testing", "testing"), ("validation", "validation"), ("train", "training"),
     ("split", None), ("", None)],
)  # fmt: skip
def test_categories_are_splits(category: str, split: str | None) -> None:
    one = described({"category": category, "label": "rock"})
    assert (one.split, one.reason) == (split, "")


def test_an_unknown_category_is_the_reason_to_leave_a_file_out() -> None:
    reason = described({"category": "anomaly", "label": "rock"}).reason
    assert reason == "the category 'anomaly' is none of training, validation and testing"


@pytest.mark.parametrize(
    ("metadata", "group"),
    [({"speaker": "anna"}, "anna"), ({"Artist": "queen", "x": "y"}, "queen"), ({"recording_id": 7}, "7"),
     ({"speaker": ["a"]}, ""), ({"note": "loud"}, ""), (None, ""), ("text", "")],
)  # fmt: skip
def test_the_group_is_in_the_metadata(metadata: Any, group: str) -> None:
    assert described({"label": "rock", "metadata": metadata}).group == group


def test_a_recording_beside_its_original_is_marked() -> None:
    played = {"original": "clip.mp3", "original_sha256": "a1"}
    metadata = [{"original_sha256": "a1"}, played, {**played, "original_sha256": "b2"}, {"original": 3}, None]
    names = [f"{number}.wav" for number in range(len(metadata))]
    entries = [{"path": name, "metadata": own} for name, own in zip(names, metadata, strict=True)]
    found = read_export(Listing(tuple(names), {"info.labels": json.dumps({"files": entries}).encode()}))
    assert found is not None
    assert [found.sounds[name].is_rerecorded for name in names] == [False, True, False, False, False]


def test_paths_are_relative_to_the_file() -> None:
    assert described({"label": "rock"}, "export/info.labels").label == "rock"


def test_entries_that_name_no_sound_are_kept_apart() -> None:
    entries = [None, 3, {}, {"path": None}, {"path": "../a.wav"}, {"path": "/a.wav"}, {"path": "b.wav"}]
    found = read_export(Listing(("a.wav",), {"info.labels": json.dumps({"files": entries}).encode()}))
    assert found is not None and not found.sounds
    assert found.unmatched == ("None", "None", "None", "None", "../a.wav", "/a.wav", "b.wav")


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"{}", b"[]", b"null", b'{"files": 3}', b'{"files": {}}', b"[" * 100_000, b'"files"']
)
def test_a_damaged_file_is_named(content: bytes) -> None:
    with pytest.raises(DataError, match=r"info\.labels is not the description of an Edge Impulse export") as caught:
        read_export(Listing(("a.wav",), {"x/info.labels": content}))
    assert "--labels-from" in caught.value.hint


def test_without_the_file_there_is_no_export() -> None:
    assert read_export(Listing(("a.wav",), {"list.csv": b""})) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


@given(st.dictionaries(st.sampled_from(["path", "label", "category", "metadata"]), json_values))
def test_no_entry_is_fatal(entry: dict[str, Any]) -> None:
    content = json.dumps({"files": [{"path": "a.wav", **entry}]}).encode()
    found = read_export(Listing(("a.wav",), {"info.labels": content}))
    assert found is not None and len(found.sounds) + len(found.unmatched) == 1
