"""Changes to one sample, and to all samples that match a filter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from studio_in_process import Api

from ei_toolkit.audio.wav import wav_bytes


@pytest.fixture
def ids(api: Api) -> list[int]:
    """Three training samples: two are rock, one is classical."""
    files = {name: wav_bytes(np.full(160, number, np.int16), 16000) for number, name in enumerate(("a.wav", "b.wav"))}
    rock = api.upload(files, x_label="rock", x_metadata='{"artist": "x", "year": 1999}')
    return rock + api.upload({"c.wav": wav_bytes(np.full(160, 9, np.int16), 16000)}, x_label="classical")


def samples(api: Api) -> dict[int, dict[str, Any]]:
    return {one["id"]: one for one in api.fields("GET", "/1/raw-data")["samples"]}


def values(api: Api, name: str) -> list[Any]:
    """One field of all samples, oldest first."""
    return [one[name] for _, one in sorted(samples(api).items())]


def test_the_label_of_one_sample_is_changed(api: Api, ids: list[int]) -> None:
    api.fields("POST", f"/1/raw-data/{ids[0]}/edit-label", json={"label": "hip hop/é"})
    assert values(api, "label") == ["hip hop/é", "rock", "classical"]


def test_a_blank_label_makes_a_sample_unlabeled(api: Api, ids: list[int]) -> None:
    api.fields("POST", f"/1/raw-data/{ids[0]}/edit-label", json={"label": ""})
    assert api.studio.store.samples.get(1, ids[0]).label_type == "unlabeled"
    api.fields("POST", f"/1/raw-data/{ids[0]}/edit-label", json={"label": "rock"})
    assert api.studio.store.samples.get(1, ids[0]).label_type == "label"


def test_a_new_label_replaces_labelled_ranges(api: Api, ids: list[int]) -> None:
    ranges = [{"startIndex": 0, "endIndex": 159, "label": "voice"}]
    api.fields("POST", f"/1/raw-data/{ids[0]}/structured-labels", json={"structuredLabels": ranges})
    assert samples(api)[ids[0]]["structuredLabels"] == ranges
    api.fields("POST", f"/1/raw-data/{ids[0]}/edit-label", json={"label": "rock"})
    assert "structuredLabels" not in samples(api)[ids[0]]


def test_labelled_ranges_give_a_sample_their_labels_in_order_and_once(api: Api, ids: list[int]) -> None:
    ranges = [{"startIndex": n, "endIndex": n, "label": label} for n, label in enumerate(("b", "a", "b"))]
    api.fields("POST", f"/1/raw-data/{ids[0]}/structured-labels", json={"structuredLabels": ranges})
    assert samples(api)[ids[0]]["label"] == "b, a"
    assert api.studio.store.samples.labels(1) == ["a", "b", "classical", "rock"]


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (6, 5), (0, 160), (160, 160)])
def test_a_range_outside_of_the_sample_is_rejected_with_its_values(
    api: Api, ids: list[int], start: int, end: int
) -> None:
    ranges = [{"startIndex": 0, "endIndex": 159, "label": "ok"}, {"startIndex": start, "endIndex": end, "label": "x"}]
    error = api.error("POST", f"/1/raw-data/{ids[0]}/structured-labels", json={"structuredLabels": ranges})
    assert error == (
        f"The structured label 'x' from index {start} to {end} is outside the sample, which has 160 values"
    )
    assert samples(api)[ids[0]]["label"] == "rock"


def test_a_sample_is_moved_to_each_category_and_to_no_other(api: Api, ids: list[int]) -> None:
    for category in ("testing", "validation", "anomaly", "post-processing", "training"):
        api.fields("POST", f"/1/raw-data/{ids[0]}/move", json={"newCategory": category})
        assert samples(api)[ids[0]]["category"] == category
    assert "newCategory must be" in api.error("POST", f"/1/raw-data/{ids[0]}/move", json={"newCategory": "split"})


@pytest.mark.parametrize(("sent", "stored"), [("new name", "new name"), ("../up/é\n.wav", "é.wav"), ("", "sample")])
def test_a_new_name_is_one_part_of_a_path(api: Api, ids: list[int], sent: str, stored: str) -> None:
    api.fields("POST", f"/1/raw-data/{ids[0]}/rename", json={"name": sent})
    assert samples(api)[ids[0]]["filename"] == stored


def test_metadata_is_replaced_and_its_values_become_text(api: Api, ids: list[int]) -> None:
    sent = {"artist": "Åse", "year": 2001, "live": True, "none": None, "list": [1, "a"]}
    api.fields("POST", f"/1/raw-data/{ids[0]}/metadata", json={"metadata": sent})
    assert samples(api)[ids[0]]["metadata"] == {
        "artist": "Åse", "year": "2001", "live": "true", "none": "null", "list": '[1, "a"]',
    }  # fmt: skip
    api.fields("POST", f"/1/raw-data/{ids[0]}/metadata", json={})
    assert samples(api)[ids[0]]["metadata"] == {}


def test_a_sample_is_disabled_and_enabled_again(api: Api, ids: list[int]) -> None:
    for _ in range(2):
        api.fields("POST", f"/1/raw-data/{ids[1]}/disable")
    assert values(api, "isDisabled") == [False, True, False]
    api.fields("POST", f"/1/raw-data/{ids[1]}/enable")
    assert values(api, "isDisabled") == [False, False, False]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("edit-label", {"label": "x"}), ("move", {"newCategory": "testing"}), ("rename", {"name": "x"}),
        ("metadata", {"metadata": {}}), ("enable", None), ("disable", None),
    ],
)  # fmt: skip
def test_a_change_of_a_sample_that_does_not_exist_is_an_error(api: Api, path: str, body: Any) -> None:
    assert api.error("POST", f"/1/raw-data/99/{path}", json=body) == "No sample with this ID found (99)"


def test_a_change_renews_the_time_of_the_last_change_only(api: Api, ids: list[int]) -> None:
    api.studio.store.database.run("UPDATE samples SET created = '2020', modified = '2020'")
    api.fields("POST", f"/1/raw-data/{ids[0]}/rename", json={"name": "x"})
    assert values(api, "created") == ["2020", "2020", "2020"]
    assert values(api, "lastModified")[0] > "2026" and values(api, "lastModified")[1:] == ["2020", "2020"]


def test_labels_of_the_matching_samples_are_changed(api: Api, ids: list[int]) -> None:
    api.fields("POST", '/1/raw-data/batch/edit-labels?labels=["rock"]', json={"label": "pop"})
    assert values(api, "label") == ["pop", "pop", "classical"]


BATCHES: dict[str, Any] = {
    "delete": None, "enable-samples": None, "disable-samples": None, "edit-labels": {"label": "pop"},
    "moveSamples": {"newCategory": "testing"}, "add-metadata": {"metadataKey": "k", "metadataValue": "v"},
    "clear-metadata": None, "clear-metadata-by-key": {"metadataKey": "artist"},
}  # fmt: skip


def test_a_batch_for_all_samples_names_the_category_all(api: Api, ids: list[int]) -> None:
    found = api.call("POST", "/1/raw-data/batch/moveSamples?category=all", json={"newCategory": "testing"})
    assert (found.json(), found.headers["x-samples-changed"]) == ({"success": True}, "3")
    assert values(api, "category") == ["testing"] * 3


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize(
    "query",
    [
        "", "search=", "filename=", "category=", "category=all&search=", "category=all&filename=", "labels=null",
        "metadata=[]", "excludeIds=[]", "includeDisabled=both", "signatureValidity=both", "sortBy=id-asc",
    ],
)  # fmt: skip
def test_a_batch_with_a_filter_that_matches_everything_changes_nothing(
    api: Api, ids: list[int], name: str, query: str
) -> None:
    before = samples(api)
    response = api.call("POST", f"/1/raw-data/batch/{name}?{query}", json=BATCHES[name])
    assert response.status_code == 400
    assert response.json()["error"] == (
        "The filter matches all 3 samples of the project, and nothing was changed: narrow it, or send category=all as"
        " the only filter, or expected=3"
    )
    assert samples(api) == before


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_changes_as_many_samples_as_expected_or_none(api: Api, ids: list[int], name: str) -> None:
    before, path = samples(api), f"/1/raw-data/batch/{name}"
    for expected in (1, 3):
        error = api.error("POST", f'{path}?labels=["rock"]&expected={expected}', json=BATCHES[name])
        assert error == f"The filter matches 2 samples, but expected is {expected}: nothing was changed"
    assert samples(api) == before
    assert api.call("POST", f"{path}?expected=3", json=BATCHES[name]).headers["x-samples-changed"] == "3"


def test_a_batch_that_matches_nothing_succeeds_and_changes_nothing(api: Api, ids: list[int]) -> None:
    api.fields("POST", "/1/raw-data/batch/moveSamples?filename=none", json={"newCategory": "testing"})
    api.fields("POST", '/1/raw-data/batch/delete?labels=["none"]')
    assert values(api, "category") == ["training"] * 3


def test_the_matching_samples_are_disabled_and_enabled(api: Api, ids: list[int]) -> None:
    api.fields("POST", f"/1/raw-data/batch/disable-samples?ids=[{ids[0]},{ids[2]}]")
    assert values(api, "isDisabled") == [True, False, True]
    api.fields("POST", f"/1/raw-data/batch/enable-samples?excludeIds=[{ids[0]}]")
    assert values(api, "isDisabled") == [True, False, False]


def test_the_matching_samples_are_deleted(api: Api, ids: list[int]) -> None:
    api.fields("POST", '/1/raw-data/batch/delete?labels=["rock"]')
    assert list(samples(api)) == [ids[2]]


def test_one_metadata_key_is_set_and_the_others_are_kept(api: Api, ids: list[int]) -> None:
    body = {"metadataKey": "artist", "metadataValue": "z"}
    api.fields("POST", "/1/raw-data/batch/add-metadata?category=training", json=body)
    assert values(api, "metadata") == [
        {"artist": "z", "year": "1999"},
        {"artist": "z", "year": "1999"},
        {"artist": "z"},
    ]


def test_one_metadata_key_is_removed_where_it_is(api: Api, ids: list[int]) -> None:
    api.fields("POST", "/1/raw-data/batch/clear-metadata-by-key?category=training", json={"metadataKey": "year"})
    assert values(api, "metadata") == [{"artist": "x"}, {"artist": "x"}, {}]


def test_the_metadata_of_the_matching_samples_is_removed(api: Api, ids: list[int]) -> None:
    api.fields("POST", "/1/raw-data/batch/clear-metadata?filename=a")
    assert values(api, "metadata") == [{}, {"artist": "x", "year": "1999"}, {}]


@pytest.mark.parametrize("body", [{}, {"metadataKey": "a"}])
def test_metadata_needs_a_key_and_a_value(api: Api, body: dict[str, str]) -> None:
    response = api.call("POST", "/1/raw-data/batch/add-metadata", json=body)
    assert response.status_code == 400 and "metadataValue is missing" in response.json()["error"]


@pytest.mark.parametrize(
    "path", ["edit-labels", "moveSamples", "add-metadata", "clear-metadata", "delete", "enable-samples"]
)
def test_only_an_admin_changes_samples(api: Api, ids: list[int], path: str) -> None:
    assert api.call("POST", f"/1/raw-data/batch/{path}", "readonly", json={}).status_code == 403
    assert len(samples(api)) == 3
