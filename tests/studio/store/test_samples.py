"""Rows of samples: what is stored, duplicates, summaries, changes and deletion."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.store.samples import DataSummary, Duplicate, NewSample

NEW = NewSample("training", "a", ".wav", "rock", "label", "a" * 64, "wav", 0.0625, (("audio", "wav"),), 16)
RANGES = [{"startIndex": 0, "endIndex": 7, "label": "voice"}, {"startIndex": 8, "endIndex": 15, "label": "music"}]


def new(number: int, **changes: Any) -> NewSample:
    """A sample whose content no other sample has."""
    return replace(NEW, filename=f"{number}", sha256=f"{number:064x}", **changes)


def add(store: Store, *samples: NewSample, project: int = 1) -> list[int]:
    return [id_ for id_ in store.samples.add(project, samples) if isinstance(id_, int)]


def test_a_sample_is_read_as_it_was_stored(opened: Store) -> None:
    sent = replace(
        NEW, filename="größe 🎵", metadata={"artist": "Åse"}, structured_labels=RANGES, label_type="multi-label",
        sensors=(("accX", "m/s2"), ("accY", "")), interval_ms=1 / 3, device_name="nano", device_type="NANO",
        source="EDGE_IMPULSE_UPLOADER", pack="0" * 16, start=100, size=44,
    )  # fmt: skip
    [id_] = add(opened, sent)
    found = opened.samples.get(1, id_)
    for name in ("filename", "metadata", "sensors", "interval_ms", "device_name", "device_type", "source", "pack",
                 "start", "size", "label_type", "values_count", "sha256"):  # fmt: skip
        assert getattr(found, name) == getattr(sent, name), name
    assert found.structured_labels == tuple(RANGES)
    assert found.length_ms == sent.length_ms == 16 / 3
    assert found.frequency == pytest.approx(3000)
    assert not found.disabled and found.created == found.modified


def test_a_sample_without_an_interval_has_no_frequency(opened: Store) -> None:
    [id_] = add(opened, new(1, interval_ms=0.0))
    assert opened.samples.get(1, id_).frequency == 0.0


def test_an_unknown_sample_or_one_of_another_project_is_an_error(opened: Store) -> None:
    other = opened.projects.create("other").id
    [id_] = add(opened, NEW, project=other)
    for project, sample in ((1, id_), (other, id_ + 1)):
        with pytest.raises(ApiError, match="No sample with this ID found"):
            opened.samples.get(project, sample)


def test_equal_content_is_stored_twice_unless_it_must_be_unique(opened: Store) -> None:
    first, second = add(opened, NEW, replace(NEW, filename="b"))
    assert opened.samples.add(1, [replace(NEW, label="other")], unique=True) == (Duplicate((first, second)),)
    assert opened.samples.count(SampleFilter(1)) == 2


def test_content_of_another_project_is_no_duplicate(opened: Store) -> None:
    add(opened, NEW, project=opened.projects.create("other").id)
    [id_] = opened.samples.add(1, [NEW], unique=True)
    assert isinstance(id_, int)


def test_a_duplicate_within_one_upload_refers_to_the_first(opened: Store) -> None:
    first, duplicate, third = opened.samples.add(1, [new(1), new(1), new(2)], unique=True)
    assert duplicate == Duplicate((first,)) and isinstance(third, int)  # type: ignore[arg-type]


def test_an_upload_that_fails_stores_none_of_its_samples(opened: Store) -> None:
    broken = replace(new(2), metadata={"a": object()})  # type: ignore[dict-item]
    with pytest.raises(TypeError):
        opened.samples.add(1, [new(1), broken])
    assert opened.samples.count(SampleFilter(1)) == 0


def test_labels_are_sorted_and_those_of_ranges_count_instead_of_the_joined_text(opened: Store) -> None:
    add(
        opened, new(1, label="rock"), new(2, label="jazz", category="testing"),
        new(3, label="", label_type="unlabeled"),
        new(4, label="voice, music", label_type="multi-label", structured_labels=RANGES),
    )  # fmt: skip
    assert opened.samples.labels(1) == ["jazz", "music", "rock", "voice"]
    assert opened.samples.labels(1, "testing") == ["jazz"]
    assert opened.samples.labels(1, "validation") == []
    assert opened.samples.labels(2) == []


def test_a_disabled_sample_has_no_label_for_training(opened: Store) -> None:
    ids = add(opened, new(1, label="rock"), new(2, label="jazz"))
    opened.samples.change(1, ids[:1], disabled=1)
    assert opened.samples.labels(1) == ["jazz"]


SAMPLES = st.lists(
    st.tuples(
        st.sampled_from(["training", "testing", "post-processing"]), st.sampled_from(["rock", "jazz", ""]),
        st.integers(1, 10**6), st.booleans(),
    ),
    max_size=12,
)  # fmt: skip


@given(SAMPLES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_summaries_count_as_a_loop_over_all_samples(opened: Store, rows: list[tuple[str, str, int, bool]]) -> None:
    opened.database.run("DELETE FROM samples")
    samples = [
        new(n, category=category, label="voice, music" if multi else label, values_count=count,
            structured_labels=RANGES if multi else None)
        for n, (category, label, count, multi) in enumerate(rows)
    ]  # fmt: skip
    add(opened, *samples)
    found = opened.samples.summaries(1)
    assert {category: summary.count for category, summary in found.items()} == Counter(row[0] for row in rows)
    for category, summary in found.items():
        own = [row for row in rows if row[0] == category]
        labels = {label for _, name, _, multi in own for label in (("voice", "music") if multi else (name,)) if label}
        assert summary.labels == tuple(sorted(labels))
        assert summary.length_ms == pytest.approx(sum(0.0625 * count for _, _, count, _ in own))


def test_a_project_without_samples_has_no_summary(opened: Store) -> None:
    assert opened.samples.summaries(1) == {} and opened.samples.summaries(1).get("training", DataSummary()).count == 0
    assert opened.samples.axes(1) == {} and opened.samples.most_frequent_interval(1) == 0.0


def test_the_length_of_each_axis_is_that_of_the_training_samples(opened: Store) -> None:
    add(
        opened, new(1, values_count=160), new(2, values_count=320),
        new(3, values_count=1600, category="testing"), new(4, sensors=(("x", ""), ("y", "")), interval_ms=10.0),
    )  # fmt: skip
    assert opened.samples.axes(1) == {"audio": 30, "x": 160, "y": 160}


def test_the_interval_of_most_samples_counts(opened: Store) -> None:
    add(opened, new(1, interval_ms=1.0), new(2, interval_ms=2.0), new(3, interval_ms=2.0))
    assert opened.samples.most_frequent_interval(1) == 2.0


def test_a_change_returns_how_many_samples_were_found(opened: Store) -> None:
    one, two = add(opened, new(1), new(2))
    assert opened.samples.change(1, [one, two, 999], label="new", disabled=1) == 2
    assert [(s.label, s.disabled) for s in opened.samples.select(SampleFilter(1))] == [("new", True)] * 2
    assert opened.samples.change(1, [], label="x") == 0
    assert opened.samples.change(2, [one], label="x") == 0


def test_each_sample_gets_its_own_value(opened: Store) -> None:
    one, two, three = add(opened, new(1), new(2), new(3))
    opened.samples.change_each(1, "category", {one: "testing", three: "validation"})
    categories = {sample.id: sample.category for sample in opened.samples.select(SampleFilter(1))}
    assert categories == {one: "testing", two: "training", three: "validation"}
    opened.samples.change_each(1, "category", {})


def test_a_deletion_names_the_packs_and_the_blobs_that_nothing_refers_to(opened: Store) -> None:
    in_pack = new(1, pack="1" * 16, start=0, size=5)
    shared = new(2)
    ids = add(opened, in_pack, shared, shared, new(3))
    deleted = opened.samples.delete(1, [ids[0], ids[1], ids[3]])
    assert deleted.packs == {"1" * 16}
    assert deleted.blobs == {f"{3:064x}"}  # the third sample has the content of the second
    assert opened.samples.delete(1, [ids[2]]).blobs == {f"{2:064x}"}


def test_a_blob_is_deleted_although_a_pack_has_the_same_content(opened: Store) -> None:
    legacy, _ = add(opened, NEW, replace(NEW, pack="1" * 16, start=0, size=5))
    assert opened.samples.delete(1, [legacy]).blobs == {NEW.sha256}


def test_content_that_another_project_uses_is_kept(opened: Store) -> None:
    other = opened.projects.create("other").id
    [own] = add(opened, NEW)
    add(opened, NEW, project=other)
    assert opened.samples.delete(1, [own]).blobs == frozenset()


def test_samples_of_another_project_are_not_deleted(opened: Store) -> None:
    other = opened.projects.create("other").id
    [foreign] = add(opened, NEW, project=other)
    deleted = opened.samples.delete(1, [foreign, 12345])
    assert (deleted.blobs, deleted.packs) == (frozenset(), frozenset())
    assert opened.samples.count(SampleFilter(other)) == 1


def test_the_byte_ranges_of_a_pack_are_those_of_its_samples(opened: Store) -> None:
    add(opened, new(1, pack="1" * 16, start=0, size=5), new(2, pack="1" * 16, start=5, size=7),
        new(3, pack="2" * 16, start=0, size=9))  # fmt: skip
    assert sorted(opened.samples.byte_ranges("1" * 16)) == [(0, 5), (5, 7)]
    assert opened.samples.byte_ranges("3" * 16) == []


def test_ids_are_never_used_again(opened: Store) -> None:
    [first] = add(opened, new(1))
    opened.samples.delete(1, [first])
    [second] = add(opened, new(2))
    assert second > first
