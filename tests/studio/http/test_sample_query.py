"""Filters of samples: each part of the query string, compared with a filter in Python."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.studio.http.errors import ApiError, Malformed
from ei_toolkit.studio.http.sample_query import SampleQuery
from ei_toolkit.studio.http.schema import parse
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.samples import NewSample, Sample

NAMES = ("rock_1", "rock%2", "Rock 3", "jazz\\4", "größe", "10", "9.5", "a'b;--")
LABELS = ("rock", "Jazz", "10", "9.5", "", "größe")


@dataclass(frozen=True)
class Library:
    """Forty samples of two projects that differ in every property that a filter reads."""

    store: Store
    project: int
    samples: tuple[Sample, ...]

    def found(self, **query: Any) -> list[int]:
        """Ids of the samples that match, oldest first."""
        chosen = parse(SampleQuery, {"sortBy": "id-asc", **query}).filter(self.project)
        ids = [sample.id for sample in self.store.samples.select(chosen)]
        assert self.store.samples.count(chosen) == len(ids)
        return ids

    def where(self, condition: Callable[[Sample], bool]) -> list[int]:
        """Ids of the samples that fulfil a condition in Python."""
        return [sample.id for sample in self.samples if condition(sample)]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder: Path = tmp_path_factory.mktemp("library")
    store = Store.open(folder)
    other, project = store.projects.create("Other").id, store.projects.create("p").id
    categories = ("training", "testing", "validation", "training")
    new = [
        NewSample(
            categories[n % 4], NAMES[n % len(NAMES)], ".wav", LABELS[n % len(LABELS)], "label", f"{n:064x}", "wav",
            (0.0625, 0.125, 10.0)[n % 3], (("audio", "wav"),), 100 * n + 16,
            metadata={0: {}, 1: {"artist": "x"}, 2: {"artist": "y", "year": "1999"}}[n % 3],
        )
        for n in range(40)
    ]  # fmt: skip
    store.samples.add(other, new[:5])
    ids = [id_ for id_ in store.samples.add(project, new) if isinstance(id_, int)]
    store.samples.change(project, ids[::7], disabled=1)
    for number, id_ in enumerate(ids):
        moment = f"2026-01-{number % 28 + 1:02d}T00:00:00.000Z"
        store.database.run("UPDATE samples SET created = ? WHERE id = ?", (moment, id_))
    chosen = parse(SampleQuery, {"sortBy": "id-asc"}).filter(project)
    yield Library(store, project, tuple(store.samples.select(chosen)))
    store.close()


@pytest.mark.parametrize("category", ["training", "testing", "validation", "anomaly", "none"])
def test_a_category_selects_its_samples(library: Library, category: str) -> None:
    assert library.found(category=category) == library.where(lambda sample: sample.category == category)
    assert library.found(category="all") == library.found()


@pytest.mark.parametrize("text", ["_", "%", "\\", "'", "rock", "Rock", "öß", "9", ""])
def test_a_part_of_the_file_name_is_found_without_wild_cards(library: Library, text: str) -> None:
    expected = library.where(lambda sample: text.lower() in sample.filename.lower())
    assert library.found(filename=text) == expected and expected


@pytest.mark.parametrize("text", ["rock", "JAZZ", "10", "%"])
def test_a_search_is_in_file_names_and_labels(library: Library, text: str) -> None:
    both = library.where(lambda sample: text.lower() in f"{sample.filename}\n{sample.label}".lower())
    assert library.found(search=text) == both


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ('["rock"]', {"rock"}), ('["rock", "größe"]', {"rock", "größe"}), ("[]", set()), ("rock", {"rock"}),
        ("10", {"10"}), ("[10]", {"10"}), ('[""]', {""}), ("null", set(LABELS)), ("rock,Jazz", set()),
        ('["ROCK"]', set()), ('"rock"', set()),
    ],
)  # fmt: skip
def test_labels_are_a_json_list_or_one_text(library: Library, labels: str, expected: set[str]) -> None:
    assert library.found(labels=labels) == library.where(lambda sample: sample.label in expected)


@pytest.mark.parametrize(
    ("state", "expected"), [("both", {True, False}), ("enabled", {False}), ("disabled", {True}), ("DISABLED", {True})]
)
def test_disabled_samples_are_included_excluded_or_selected(library: Library, state: str, expected: set[bool]) -> None:
    assert library.found(includeDisabled=state) == library.where(lambda sample: sample.disabled in expected)


def test_ids_may_be_numbers_or_texts_and_unknown_ones_match_nothing(library: Library) -> None:
    one, two, three = (sample.id for sample in library.samples[:3])
    assert library.found(ids=f'[{one}, "{two}", 9999]') == [one, two]
    assert library.found(ids="[]") == [] and library.found(ids="[0, -1]") == []
    assert library.found(excludeIds=f"[{one}]", maxId=three) == [two]
    assert library.found(excludeIds="[]") == library.found()


NUMBERS = st.sampled_from([0, 1, 6.25, 16, 62.5, 1000, 1e9, -1])


@given(NUMBERS, NUMBERS)
@settings(max_examples=40)
def test_lengths_are_between_two_exclusive_limits(library: Library, low: float, high: float) -> None:
    assert library.found(minLength=low, maxLength=high) == library.where(lambda s: low < s.length_ms < high)


@pytest.mark.parametrize(("low", "high"), [(99, 101), (100, 16000), (0, 8000.5), (7999, 1e6)])
def test_frequencies_are_between_two_exclusive_limits(library: Library, low: float, high: float) -> None:
    found = library.found(minFrequency=low, maxFrequency=high)
    assert found == library.where(lambda sample: low < 1000 / sample.interval_ms < high)


def test_labels_that_are_numbers_are_compared_as_numbers(library: Library) -> None:
    ten = library.where(lambda sample: sample.label == "10")
    nine = library.where(lambda sample: sample.label == "9.5")
    assert library.found(minLabel=9.5) == sorted(ten + nine)
    assert library.found(minLabel=9.5, maxLabel=10) == nine
    assert library.found(minLabel=10) == ten


def test_ids_and_dates_have_limits(library: Library) -> None:
    first = library.samples[0].id
    assert library.found(minId=first + 2, maxId=first + 5) == [first + 2, first + 3, first + 4]
    day = "2026-01-10T00:00:00.000Z"
    assert library.found(minDate=day) == library.where(lambda sample: sample.created > day)
    assert library.found(maxDate="2026-01-10") == library.where(lambda sample: sample.created < "2026-01-10")


def metadata(*entries: dict[str, Any]) -> str:
    return json.dumps(list(entries))


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (metadata({"key": "artist"}), lambda m: "artist" in m),
        (metadata({"key": "artist", "op": "neq"}), lambda m: "artist" not in m),
        (metadata({"key": "artist", "values": ["x"]}), lambda m: m.get("artist") == "x"),
        (metadata({"key": "artist", "values": ["x", "y"]}), lambda m: m.get("artist") in ("x", "y")),
        (metadata({"key": "artist", "op": "neq", "values": ["x"]}), lambda m: m.get("artist") != "x"),
        (metadata({"key": "year", "values": [1999]}), lambda m: m.get("year") == "1999"),
        (metadata({"key": "artist"}, {"key": "year"}), lambda m: "artist" in m and "year" in m),
        (
            metadata({"filters_combinator": "or"}, {"key": "year"}, {"key": "artist", "values": ["x"]}),
            lambda m: "year" in m or m.get("artist") == "x",
        ),
        (metadata({"no_metadata": True}), lambda m: not m),
        (metadata({"no_metadata": True}, {"key": "year"}), lambda m: not m or "year" in m),
        (metadata(), lambda m: True),
        (metadata({"op": "neq"}), lambda m: True),
        (metadata({"key": "ARTIST"}), lambda m: False),
    ],
)
def test_metadata_is_filtered_by_keys_and_values(
    library: Library, filter_: str, expected: Callable[[dict[str, str]], bool]
) -> None:
    assert library.found(metadata=filter_) == library.where(lambda sample: expected(dict(sample.metadata)))


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", lambda sample: sample.id),
        ("label", lambda sample: sample.label),
        ("filename", lambda sample: sample.filename),
        ("length", lambda sample: sample.length_ms),
    ],
)
def test_an_order_is_by_its_column_and_then_by_the_newest(
    library: Library, key: str, direction: str, value: Callable[[Sample], Any]
) -> None:
    newest = sorted(library.samples, key=lambda sample: -sample.id)
    expected = sorted(newest, key=value, reverse=False)
    if direction == "desc":
        groups = sorted({value(sample) for sample in newest}, reverse=True)
        expected = [sample for group in groups for sample in newest if value(sample) == group]
    assert library.found(sortBy=f"{key}-{direction}") == [sample.id for sample in expected]


def test_a_page_begins_after_its_offset(library: Library) -> None:
    chosen = parse(SampleQuery, {"sortBy": "id-asc"}).filter(library.project)
    page, total = library.store.samples.page(chosen, 3, 2)
    assert ([sample.id for sample in page], total) == ([sample.id for sample in library.samples[2:5]], 40)
    assert len(library.store.samples.page(chosen, 10, 38)[0]) == 2
    assert library.store.samples.page(chosen, 10, 40) == ([], 40)


CONDITIONS: dict[str, tuple[dict[str, Any], Callable[[Sample], bool]]] = {
    "training": ({"category": "training"}, lambda s: s.category == "training"),
    "rock": ({"labels": '["rock"]'}, lambda s: s.label == "rock"),
    "enabled": ({"includeDisabled": "enabled"}, lambda s: not s.disabled),
    "long": ({"minLength": 50}, lambda s: s.length_ms > 50),
    "by artist": ({"metadata": metadata({"key": "artist"})}, lambda s: "artist" in s.metadata),
    "named": ({"filename": "o"}, lambda s: "o" in s.filename.lower()),
}


@given(st.sets(st.sampled_from(sorted(CONDITIONS))))
@settings(max_examples=40)
def test_several_parts_of_a_filter_are_joined_by_and(library: Library, names: set[str]) -> None:
    query = {key: value for name in names for key, value in CONDITIONS[name][0].items()}
    assert library.found(**query) == library.where(lambda sample: all(CONDITIONS[name][1](sample) for name in names))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"includeDisabled": "some"}, "includeDisabled must be one of both, enabled, disabled, but is 'some'"),
        ({"ids": "1,2"}, "ids must be JSON, but is '1,2'"),
        ({"ids": "{}"}, "ids must be a list, but is {}"),
        ({"ids": '["1abc"]'}, "ids[0] must be a whole number, but is '1abc'"),
        ({"excludeIds": "[1, 2.5]"}, "excludeIds[1] must be a whole number, but is 2.5"),
        ({"excludeIds": "x" * 100}, f"excludeIds must be JSON, but is {'x' * 60!r}"),
        ({"metadata": '{"key": "a"}'}, "metadata must be a list, but is {'key': 'a'}"),
        ({"metadata": '[{"values": "x"}]'}, "metadata[0].values must be a list, but is 'x'"),
        ({"filename": "x" * 1001}, "filename has 1001 characters; at most 1000 are allowed"),
        ({"metadata": json.dumps([{}] * 101)}, "metadata has 101 conditions; at most 100 conditions are allowed"),
    ],
)
def test_a_part_that_cannot_be_read_is_named_with_its_value(query: dict[str, Any], message: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse(SampleQuery, query).filter(1)
    assert str(caught.value) == message


def test_an_unknown_order_is_named_with_those_that_exist() -> None:
    with pytest.raises(ApiError) as caught:
        parse(SampleQuery, {"sortBy": "age"}).filter(1)
    orders = "id-asc, id-desc, label-asc, label-desc, filename-asc, filename-desc, length-asc, length-desc"
    assert str(caught.value) == f"sortBy must be one of {orders}, but is 'age'"


@given(st.text(max_size=30))
@settings(max_examples=60)
def test_no_text_of_a_filter_is_executed_as_sql(library: Library, text: str) -> None:
    for name in ("category", "filename", "search", "minDate"):
        library.found(**{name: text})
    assert len(library.samples) == library.store.samples.count(parse(SampleQuery, {}).filter(library.project))
