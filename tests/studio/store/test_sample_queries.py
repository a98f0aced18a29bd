"""Lists, counts and searches of samples: which index answers them, and that the tables beside the samples are right."""

from __future__ import annotations

import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.studio.http.sample_query import SampleQuery
from ei_toolkit.studio.http.schema import parse
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store import sample_queries as queries
from ei_toolkit.studio.store.migrations import MIGRATIONS
from ei_toolkit.studio.store.sample_filter import ORDERS, SampleFilter
from ei_toolkit.studio.store.samples import INSERT, NewSample, _values

AUDIO = (("audio", "wav"),)
RANGES = ({"startIndex": 0, "endIndex": 4, "label": "voice"}, {"startIndex": 5, "endIndex": 9, "label": "music"})
LOOKUP = "INTEGER PRIMARY KEY (rowid=?)"


def new(number: int, **columns: Any) -> NewSample:
    """A sample whose properties depend on its number."""
    values: dict[str, Any] = {
        "category": ("training", "testing", "training")[number % 3], "filename": f"clip.{number:04d}",
        "suffix": ".wav", "label": ("rock", "jazz")[number % 2], "label_type": "label", "sha256": f"{number:064x}",
        "format": "wav", "interval_ms": 0.0625, "sensors": AUDIO, "values_count": 160 + number % 7,
        "metadata": {"artist": f"artist {number % 9}"} if number % 4 else {},
    }  # fmt: skip
    return NewSample(**(values | columns))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A project with 200 samples, and another one."""
    opened = Store.open(tmp_path_factory.mktemp("many"))
    opened.projects.create("p")
    other = opened.projects.create("other").id
    opened.samples.add(1, map(new, range(200)))
    opened.samples.add(other, map(new, range(50)))
    yield opened
    opened.close()


def plan(store: Store, statement: queries.Statement) -> str:
    """How SQLite carries out a statement, one step in a line."""
    sql, values = statement
    return "\n".join(row["detail"] for row in store.database.all(f"EXPLAIN QUERY PLAN {sql}", values))


def resolved(store: Store, **query: Any) -> queries.SampleQuery:
    with store.database.read() as connection:
        return queries.resolve(connection, parse(SampleQuery, query).filter(1))


def test_texts_that_many_samples_have_in_common_are_in_memory_once(store: Store) -> None:
    samples = store.samples.select(SampleFilter(1, sort_by="id-asc"))
    first, other = samples[0], samples[18]
    assert first.label is other.label
    assert first.sensors is other.sensors
    assert first.created is other.created
    with_artist = [sample.metadata["artist"] for sample in samples if sample.metadata]
    assert len(set(map(id, with_artist))) == len(set(with_artist)) == 9


METADATA = '[{"key": "artist", "op": "eq", "values": ["artist 1"]}]'
BROAD = {"search": "cl"}  # too short for the index of trigrams


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({}, "samples_by_id (project=?)"),
        ({"category": "training"}, "samples_by_category (project=? AND category=?)"),
        ({"category": "training", "labels": '["rock"]'}, "samples_by_id (project=?)"),
        ({"includeDisabled": "enabled", "signatureValidity": "valid", "minLength": 5}, "samples_by_id (project=?)"),
        ({"minId": 5, "maxId": 9}, "samples_by_id (project=? AND id>? AND id<?)"),
        ({"minDate": "2026", "minFrequency": 1, "maxLabel": 2}, "samples_by_id (project=?)"),
        (BROAD, "samples_by_id (project=?)"),
        ({"category": "training", "sortBy": "filename-asc"}, "samples_by_filename (project=?)"),
        ({"sortBy": "label-asc"}, "samples_by_label_asc (project=?)"),
        ({"category": "training", "sortBy": "label-desc"}, "samples_by_label_desc (project=?)"),
        ({"sortBy": "length-asc", "minLength": 5}, "samples_by_length_asc (project=? AND length_ms>?)"),
        ({"category": "training", "sortBy": "length-desc"}, "samples_by_length_desc (project=?)"),
    ],
)
def test_a_page_is_found_in_an_index_without_reading_or_sorting_rows(
    store: Store, query: dict[str, Any], index: str
) -> None:
    query_ = resolved(store, **query)
    steps = plan(store, query_.ids()).splitlines()
    assert steps[0] == f"SEARCH samples USING COVERING INDEX {index}" and "TEMP B-TREE" not in "".join(steps)
    for offset in (0, 190):
        page = plan(store, query_.page(5, offset, 200)).splitlines()
        assert page[0] == f"SEARCH samples USING {LOOKUP}" and page[2].endswith(f"USING COVERING INDEX {index}")


@pytest.mark.parametrize(
    "query",
    [
        {}, {"category": "training"}, {"labels": '["rock"]'}, {"includeDisabled": "enabled"},
        {"signatureValidity": "invalid", "category": "testing"}, {"minFrequency": 100, "maxLabel": 7},
    ],
)  # fmt: skip
def test_a_count_of_few_different_values_reads_no_samples(store: Store, query: dict[str, Any]) -> None:
    steps = plan(store, resolved(store, **query).count())
    assert steps.startswith("SEARCH sample_totals USING PRIMARY KEY (project=?") and "SEARCH samples " not in steps


@pytest.mark.parametrize("query", [{"search": "clip.0042"}, {"filename": "0042", "category": "testing"},
                                   {"ids": "[5, 6]"}, {"metadata": METADATA, "minId": 1}])  # fmt: skip
def test_few_samples_are_looked_up_one_by_one(store: Store, query: dict[str, Any]) -> None:
    for statement in (resolved(store, **query).count(), resolved(store, **query).rows()):
        assert plan(store, statement).startswith(f"SEARCH samples USING {LOOKUP}")


def test_a_search_that_many_match_reads_an_index(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST_NARROW", 20)
    for query, index in (
        ({"search": "clip"}, "samples_by_filename"),
        ({"search": "cli", "category": "training"}, "samples_by_filename"),
        ({"filename": "clip", "includeDisabled": "enabled"}, "samples_by_id"),
        ({"metadata": '[{"key": "artist"}]'}, "samples_by_id"),
    ):
        steps = plan(store, resolved(store, **query).count())
        assert steps.startswith(f"SEARCH samples USING COVERING INDEX {index} (project=?")


@pytest.mark.parametrize("most", [0, 20, 5000])
@pytest.mark.parametrize("text", ["clip.0042", "CLIP", "0", "00", "ock", "Rock", "l_", ".00%", '"', "clip.00420"])
def test_a_search_finds_the_same_samples_by_every_way(
    store: Store, monkeypatch: pytest.MonkeyPatch, text: str, most: int
) -> None:
    monkeypatch.setattr(queries, "MOST_NARROW", most)
    monkeypatch.setattr(queries, "MOST_LABELS", most)
    samples = store.samples.select(SampleFilter(1, sort_by="id-asc"))
    for name in ("search", "filename"):
        chosen = parse(SampleQuery, {name: text, "sortBy": "id-asc"}).filter(1)
        expected = [
            sample.id for sample in samples
            if text.lower() in f"{sample.filename}\n{sample.label if name == 'search' else ''}".lower()
        ]  # fmt: skip
        assert list(store.samples.ids(chosen)) == expected and store.samples.count(chosen) == len(expected)


@pytest.mark.parametrize("sort_by", ORDERS)
@pytest.mark.parametrize("category", [None, "training"])
def test_pages_from_both_ends_make_the_whole_list(store: Store, category: str | None, sort_by: str) -> None:
    chosen = SampleFilter(1, category, sort_by=sort_by)
    whole = [sample.id for sample in store.samples.select(chosen)]
    pages = [store.samples.page(chosen, 30, offset) for offset in range(0, len(whole) + 30, 30)]
    assert [sample.id for page, _ in pages for sample in page] == whole
    assert {total for _, total in pages} == {len(whole)}


def recomputed(store: Store) -> dict[str, Any]:
    """What the tables beside the samples must hold, from the samples only."""
    rows = store.database.all("SELECT * FROM samples")
    texts = {row["id"]: json.loads(row["metadata"]) for row in rows}
    labels = {row["id"]: json.loads(row["structured_labels"] or "[]") for row in rows}
    return {
        "totals": Counter(
            (row["project"], row["category"], row["label"], row["disabled"], row["sensors"],
             json.dumps(sorted({one["label"] for one in labels[row["id"]]})) if labels[row["id"]] else "")
            for row in rows
        ),
        "length_ns": sum(round(row["length_ms"] * 1e6) for row in rows),
        "values": {(row["project"], row["id"], key, value) for row in rows for key, value in texts[row["id"]].items()},
        "counts": Counter((row["category"], key, value) for row in rows for key, value in texts[row["id"]].items()),
        "distinct": {(row["project"], key, value) for row in rows for key, value in texts[row["id"]].items()},
    }  # fmt: skip


def kept(store: Store) -> dict[str, Any]:
    """The same from the tables that triggers keep."""
    totals: Counter[tuple[Any, ...]] = Counter()
    for row in store.database.all("SELECT * FROM sample_totals"):
        labels = json.dumps(json.loads(row["labels"])) if row["labels"] else ""
        key = (row["project"], row["category"], row["label"], row["disabled"], row["sensors"], labels)
        totals[key] += row["count"]
    values = "JOIN metadata_values AS found ON found.id = own.value"
    own = f"SELECT project, sample, key, found.value FROM sample_metadata AS own {values}"
    counts = f"SELECT category, key, found.value, SUM(count) FROM metadata_counts AS own {values}"
    return {
        "totals": totals,
        "length_ns": store.database.all("SELECT coalesce(SUM(length_ns), 0) FROM sample_totals")[0][0],
        "values": {tuple(row) for row in store.database.all(own)},
        "counts": Counter({tuple(row)[:3]: row[3] for row in store.database.all(f"{counts} GROUP BY 1, 2, 3")}),
        "distinct": {tuple(row) for row in store.database.all("SELECT project, key, value FROM metadata_values")},
    }


def change(store: Store, chance: random.Random) -> None:
    """Change some samples in one of all ways."""
    ids = [row[0] for row in store.database.all("SELECT id FROM samples WHERE project = 1")]
    some = chance.sample(ids, min(len(ids), 5))
    ways: list[Callable[[], Any]] = [
        lambda: store.samples.add(1, [new(chance.randrange(99), label_type="multi-label", structured_labels=RANGES)]),
        lambda: store.samples.add(2, [new(chance.randrange(99), metadata={"ä\n": 'say "x"', "b": ""})]),
        lambda: store.samples.change(1, some, category=chance.choice(["testing", "validation"])),
        lambda: store.samples.change(1, some, label="new", structured_labels=None),
        lambda: store.samples.change(1, some, disabled=1),
        lambda: store.samples.change(1, some, filename=f"new.{chance.random()}"),
        lambda: store.samples.change(1, some, metadata=json.dumps({"artist": f"artist {chance.randrange(3)}"})),
        lambda: store.samples.change(1, some, metadata="{}"),
        lambda: store.samples.delete(1, some),
    ]  # fmt: skip
    chance.choice(ways)()


@pytest.mark.parametrize("seed", range(4))
def test_the_tables_beside_the_samples_follow_every_change(tmp_path: Path, seed: int) -> None:
    store, chance = Store.open(tmp_path), random.Random(seed)
    for name in ("one", "two"):
        store.projects.create(name)
    store.samples.add(1, map(new, range(40)))
    for _ in range(40):
        change(store, chance)
    assert kept(store) == recomputed(store)
    store.database.run("INSERT INTO sample_names (sample_names, rank) VALUES ('integrity-check', 1)")
    store.projects.delete(1)
    assert kept(store) == recomputed(store) and kept(store)["totals"]
    store.projects.delete(2)
    assert not any(kept(store).values())
    store.close()


def test_a_migration_fills_the_tables_from_the_samples_of_an_older_version(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "studio.sqlite")) as connection:
        for migration in MIGRATIONS[:4]:
            connection.executescript(migration)
        connection.execute("INSERT INTO projects (name, hmac_key, created, modified) VALUES ('p', '', '', '')")
        samples = [*map(new, range(50)), new(50, structured_labels=RANGES), new(51, metadata={"ä": "ö", "n": "1"})]
        connection.executemany(INSERT, [_values(1, sample, "2026") for sample in samples])
        connection.execute("PRAGMA user_version = 4")
        connection.commit()
    store = Store.open(tmp_path)
    assert kept(store) == recomputed(store) and len(kept(store)["values"]) == 40
    assert store.samples.count(parse(SampleQuery, {"search": "clip.004"}).filter(1)) == 10
    assert store.samples.labels(1) == ["jazz", "music", "rock", "voice"]
    store.samples.delete(1, store.samples.ids(SampleFilter(1)))
    assert not any(kept(store).values())
    store.close()


def test_the_length_of_a_category_is_exact_after_many_changes(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.projects.create("p")
    store.samples.add(1, [new(0, interval_ms=1000 / 44100, values_count=10**9)])
    store.samples.add(1, [new(3, interval_ms=0.1, values_count=1) for _ in range(100)])
    store.samples.delete(1, [1])
    assert store.samples.summaries(1)["training"].length_ms == 10.0
    store.close()


def test_the_metadata_of_a_filter_is_listed_in_its_order(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ei_toolkit.studio.store.samples.READ_AT_ONCE", 7)
    chosen = parse(SampleQuery, {"category": "training", "sortBy": "id-asc"}).filter(1)
    found = [json.loads(text) for page in store.samples.metadata_texts(chosen) for text in page]
    expected = [sample for sample in store.samples.select(chosen) if sample.metadata]
    assert found == [{"id": sample.id, "metadata": dict(sample.metadata)} for sample in expected]


@pytest.mark.parametrize("query", [{}, {"category": "testing"}, {"labels": '["jazz"]'}, {"category": "none"}])
def test_the_values_of_metadata_are_those_of_the_samples(store: Store, query: dict[str, Any]) -> None:
    chosen = parse(SampleQuery, query).filter(1)
    samples = store.samples.select(chosen)
    expected = sorted({sample.metadata["artist"] for sample in samples if sample.metadata})
    found = {key: json.loads(values) for key, values in store.samples.metadata_options(chosen).items()}
    assert found == ({"artist": expected} if expected else {})
